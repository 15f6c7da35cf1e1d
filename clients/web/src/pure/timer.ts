// The clock of a talk: how long it has run, what is left, and when to nudge the speaker. Values, no timers.

/** The longest talk in minutes: a day. */
export const MAX_MINUTES = 24 * 60;
/** More nudges than anybody wants in one talk. */
export const MAX_NUDGES = 8;

export interface Talk {
  /** Unix time in milliseconds since which it runs; `null` while it stands still. */
  runningSince: number | null;
  /** Milliseconds it had run before that. */
  before: number;
}

export const FRESH: Talk = { runningSince: null, before: 0 };

/** Milliseconds it has run. */
export function elapsed(talk: Talk, now: number): number {
  return talk.before + (talk.runningSince === null ? 0 : Math.max(0, now - talk.runningSince));
}

/** Starts it, or goes on. */
export function run(talk: Talk, now: number): Talk {
  return talk.runningSince === null ? { ...talk, runningSince: now } : talk;
}

/** Lets it stand still. */
export function hold(talk: Talk, now: number): Talk {
  return { runningSince: null, before: elapsed(talk, now) };
}

/** `4:05`, `1:04:05`; a minus before what is overdrawn. */
export function clock(ms: number): string {
  const sign = ms < 0 ? '−' : '';
  // What is left is rounded up, so that 5:00 is shown for its whole first second and 0:00 means over.
  const whole = Math.abs(ms < 0 ? Math.floor(ms / 1000) : Math.ceil(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number: number): string => String(number).padStart(2, '0');
  return sign + (hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`);
}

/** The minutes-left that were reached since `from` milliseconds had run, up to `to`, of a talk of `minutes`. */
export function nudges(from: number, to: number, minutes: number, at: readonly number[]): number[] {
  return at.filter((left) => {
    const due = (minutes - left) * 60_000;
    return due > 0 && from < due && due <= to;
  });
}

/** Minutes as typed, `10, 5 1` → `[10, 5, 1]`, largest first and each once; `null` when it is no such list. */
export function readMinutes(text: string): number[] | null {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const numbers = words.map(Number);
  const isFine = numbers.every((number) => Number.isInteger(number) && number >= 0 && number <= MAX_MINUTES);
  if (!isFine || numbers.length > MAX_NUDGES) return null;
  return [...new Set(numbers)].sort((one, other) => other - one);
}
