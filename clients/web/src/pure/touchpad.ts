// What fingers on the pad mean: one moves the pointer, two turn the wheel, a short touch clicks.

/** A finger that moved less was meant to stay. */
export const TAP_PX = 10;
/** A touch that lasts longer is no click. */
export const TAP_MS = 250;
/** Pixels of two fingers for one notch of the wheel. */
export const NOTCH_PX = 30;
/** The largest movement of one call (docs/API.md). */
export const MAX_MOVE = 20_000;
/** The most notches of one call (docs/API.md). */
export const MAX_NOTCHES = 100;

export type Gesture =
  | { does: 'move'; dx: number; dy: number }
  | { does: 'scroll'; dx: number; dy: number }
  | { does: 'click'; button: 'left' | 'right' | 'middle' };

interface Finger {
  x: number;
  y: number;
  at: number;
}

const BUTTONS = ['left', 'right', 'middle'] as const;

/** The fingers that are on the pad. Positions in CSS pixels, times in milliseconds. */
export class Touchpad {
  readonly #fingers = new Map<number, Finger>();
  #most = 0;
  #travelled = 0;
  #since = 0;

  down(id: number, x: number, y: number, at: number): void {
    if (this.#fingers.size === 0) [this.#most, this.#travelled, this.#since] = [0, 0, at];
    this.#fingers.set(id, { x, y, at });
    this.#most = Math.max(this.#most, this.#fingers.size);
  }

  move(id: number, x: number, y: number, at: number): Gesture | null {
    const finger = this.#fingers.get(id);
    if (!finger) return null;
    const [dx, dy, ms] = [x - finger.x, y - finger.y, at - finger.at];
    this.#fingers.set(id, { x, y, at });
    this.#travelled += Math.hypot(dx, dy);
    // A finger always trembles; from a tap the pointer must not run away.
    if (this.#travelled < TAP_PX) return null;
    const fingers = this.#fingers.size;
    // Each finger tells of its own way, so that both together go twice. The page follows the fingers, as on the phone.
    if (fingers > 1) return { does: 'scroll', dx: (0 - dx) / fingers / NOTCH_PX, dy: (0 - dy) / fingers / NOTCH_PX };
    if (this.#most > 1) return null;
    const gain = acceleration(Math.hypot(dx, dy), ms);
    return { does: 'move', dx: dx * gain, dy: dy * gain };
  }

  up(id: number, at: number): Gesture | null {
    if (!this.#fingers.delete(id) || this.#fingers.size > 0) return null;
    const isTap = this.#travelled < TAP_PX * this.#most && at - this.#since <= TAP_MS;
    const button = BUTTONS[this.#most - 1];
    return isTap && button ? { does: 'click', button } : null;
  }

  /** The system took the fingers away. */
  cancel(id: number): void {
    this.#fingers.delete(id);
  }
}

/** Counts for a pixel: slow fingers aim, fast ones cross the screen. */
export function acceleration(distance: number, ms: number): number {
  const speed = distance / Math.max(ms, 1);
  return 1 + Math.min(2, Math.max(0, speed - 0.2) * 1.6);
}

/** Makes whole counts of fractions and keeps what is left, so that slow movements are not lost. */
export class Whole {
  #x = 0;
  #y = 0;

  take(dx: number, dy: number, most: number): [number, number] {
    const [x, y] = [this.#x + dx, this.#y + dy];
    const clamp = (value: number): number => Math.max(-most, Math.min(most, Math.trunc(value))) || 0;
    const whole: [number, number] = [clamp(x), clamp(y)];
    [this.#x, this.#y] = [x - Math.trunc(x), y - Math.trunc(y)];
    return whole;
  }
}
