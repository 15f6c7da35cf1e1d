// What becomes of the brightness when videos go full screen and come back: a value with no clock, no browser and no desktop.
// It must come out right when the worker that runs it dies between any two steps, so what is about to be done is noted first.

/** A display, as `org.deskconn.brightness.displays` tells it (docs/API.md). */
export interface Display {
  id: string;
  kind: 'internal' | 'external';
  percent: number;
}

/** A display that was made brighter. */
export interface Raised {
  id: string;
  /** Percent that it had, and gets back. */
  before: number;
  /** Percent that it was set to. */
  set: number;
  /** It is not known whether the desktop heard of it. */
  isPending: boolean;
}

/** A frame of a tab in which a video is full screen. */
export interface Viewer {
  tab: number;
  frame: number;
  /** When it was last heard of, in milliseconds of `Date.now()`. */
  heardAt: number;
}

export interface Memory {
  viewers: Viewer[];
  /** `null` while nothing was raised; empty when all displays were bright enough, or were moved by somebody since. */
  raised: Raised[] | null;
}

export interface Wish {
  /** Percent while a video is full screen. */
  percent: number;
  /** Which displays: the first, a built-in one before others, or all. */
  which: 'first' | 'all';
}

export interface Setting {
  id: string;
  percent: number;
}

export const NOTHING: Memory = { viewers: [], raised: null };

/** A frame that has a video in full screen says so every {@link STILL_MS}; one that is silent for so long has crashed. */
export const STILL_MS = 20_000;
export const SILENCE_MS = 90_000;

/** Displays have fewer steps than percent, and the way there and back rounds. */
const ROUNDING = 1;

/** Whether there is anything to do, now or later. */
export function isAtRest({ viewers, raised }: Memory): boolean {
  return viewers.length === 0 && raised === null;
}

export function began(memory: Memory, tab: number, frame: number, now: number): Memory {
  return { ...memory, viewers: [...ended(memory, tab, frame).viewers, { tab, frame, heardAt: now }] };
}

export function ended(memory: Memory, tab: number, frame: number): Memory {
  return { ...memory, viewers: memory.viewers.filter((viewer) => viewer.tab !== tab || viewer.frame !== frame) };
}

export function closed(memory: Memory, tab: number): Memory {
  return { ...memory, viewers: memory.viewers.filter((viewer) => viewer.tab !== tab) };
}

/** Without those that nothing was heard of. A clock that was set back makes nobody silent. */
export function withoutSilent(memory: Memory, now: number): Memory {
  return { ...memory, viewers: memory.viewers.filter(({ heardAt }) => now - heardAt < SILENCE_MS) };
}

export interface Decision {
  /** To be kept before anything is set, except when brightness returns: then after it. */
  memory: Memory;
  sets: Setting[];
  returns: boolean;
}

/** What is to be done with the displays as they are now. */
export function decide(memory: Memory, displays: Display[], wish: Wish): Decision {
  const { viewers, raised } = memory;
  const percentOf = (id: string): number | undefined => displays.find((display) => display.id === id)?.percent;
  const isOurs = ({ id, set }: Raised): boolean => isNear(percentOf(id), set);
  if (viewers.length === 0) {
    const sets = (raised ?? []).filter(isOurs).map(({ id, before }) => ({ id, percent: before }));
    return { memory: { viewers, raised: null }, sets, returns: true };
  }
  if (raised === null) {
    const raising = chosen(displays, wish)
      .filter(({ percent }) => percent < wish.percent)
      .map(({ id, percent }) => ({ id, before: percent, set: wish.percent, isPending: true }));
    return { memory: { viewers, raised: raising }, sets: raising.map(asSetting), returns: false };
  }
  const kept = raised.filter((it) => {
    // A monitor that sleeps for a moment was not moved.
    if (percentOf(it.id) === undefined || isOurs(it)) return true;
    return it.isPending && isNear(percentOf(it.id), it.before);
  });
  const known = kept.map((it) => (isOurs(it) ? { ...it, isPending: false } : it));
  const again = known.filter((it) => it.isPending && percentOf(it.id) !== undefined);
  return { memory: { viewers, raised: known }, sets: again.map(asSetting), returns: false };
}

/** The desktop set a display: to `percent`, or not at all. */
export function wasSet(memory: Memory, id: string, percent: number | null): Memory {
  const change = (it: Raised): Raised[] => {
    if (it.id !== id) return [it];
    return percent === null ? [] : [{ ...it, set: percent, isPending: false }];
  };
  return { ...memory, raised: memory.raised?.flatMap(change) ?? null };
}

/** The displays that are meant, the built-in ones first. */
export function chosen(displays: Display[], { which }: Pick<Wish, 'which'>): Display[] {
  const inOrder = [...displays].sort((one, other) => Number(other.kind === 'internal') - Number(one.kind === 'internal'));
  return which === 'all' ? inOrder : inOrder.slice(0, 1);
}

function isNear(percent: number | undefined, wanted: number): boolean {
  return percent !== undefined && Math.abs(percent - wanted) <= ROUNDING;
}

function asSetting({ id, set }: Raised): Setting {
  return { id, percent: set };
}
