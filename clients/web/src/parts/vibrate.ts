// The motor of the phone, where the browser gives it (Vibration API): nothing happens elsewhere.

export function canVibrate(): boolean {
  return typeof navigator.vibrate === 'function';
}

/** Milliseconds on, off, on … */
export function vibrate(pattern: number | number[]): void {
  if (canVibrate()) navigator.vibrate(pattern);
}
