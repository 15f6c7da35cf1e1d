// Which keys and swipes turn which slide.

export type SlideAction = 'next' | 'previous' | 'start' | 'end' | 'blank';

/** A swipe shorter than that is a tap of a cold finger. */
export const SWIPE_PX = 48;
/** One slower than that is somebody thinking. */
export const SWIPE_MS = 800;

const KEYS: Record<string, SlideAction> = {
  PageDown: 'next', ArrowRight: 'next', ArrowDown: 'next', ' ': 'next', Enter: 'next', AudioVolumeDown: 'next', VolumeDown: 'next', MediaTrackNext: 'next',
  PageUp: 'previous', ArrowLeft: 'previous', ArrowUp: 'previous', Backspace: 'previous', AudioVolumeUp: 'previous', VolumeUp: 'previous', MediaTrackPrevious: 'previous',
  F5: 'start', Escape: 'end', b: 'blank', B: 'blank', '.': 'blank',
};

interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** What a key does; `null` when it belongs to the browser, or to the element that has the focus. */
export function actionOfKey({ key, ctrlKey, metaKey, altKey }: Key, focused: string): SlideAction | null {
  if (ctrlKey || metaKey || altKey || ['INPUT', 'TEXTAREA', 'SELECT'].includes(focused)) return null;
  // These press the button that has the focus.
  if ((key === ' ' || key === 'Enter') && ['BUTTON', 'A', 'SUMMARY'].includes(focused)) return null;
  return Object.hasOwn(KEYS, key) ? KEYS[key]! : null;
}

/** What a movement of a finger does: to the left, as a page is turned, is the next slide; `null` when it is a tap. */
export function actionOfSwipe(dx: number, dy: number, ms: number): SlideAction | null {
  if (ms > SWIPE_MS || Math.abs(dx) < SWIPE_PX || Math.abs(dx) < 1.5 * Math.abs(dy)) return null;
  return dx < 0 ? 'next' : 'previous';
}
