// What a finger does on a pad is the pad's alone.

/**
 * For `onTouchMove`. Beside `touch-action: none`: without it Chromium sees a fling in a quick swipe, and takes the next tap,
 * wherever that is, for what stops the fling, so that it clicks nothing.
 */
export function keepMoves(event: TouchEvent): void {
  if (event.cancelable) event.preventDefault();
}
