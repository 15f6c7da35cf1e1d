// What the parts of the extension say to one another.
import type { Status } from '@deskconn/client';

/** From a page: that a video went full screen there, still is, or is no more. Nothing else leaves it. */
export type FromPage = { kind: 'began' | 'still' | 'ended' };

/** From a page of the extension: the desktop is to be forgotten. */
export type Forget = { kind: 'forget' };

/** To the popup, whenever it changes. */
export interface Snapshot {
  /** The name of the desktop; `null` when this browser is paired with none. */
  desktop: string | null;
  status: Status | null;
  /** Percent of the first display; `null` while it is not known. */
  brightness: number | null;
  /** What the desktop lets this browser do now. */
  can: { brightness: boolean; lock: boolean };
}

/** From the popup. */
export type FromPopup = { act: 'brightness'; percent: number } | { act: 'lock' } | { act: 'retry' };

/** To the popup: a snapshot, or a sentence about what did not succeed. */
export type ToPopup = { snapshot: Snapshot } | { failure: string };

/** The name of the popup's port. */
export const POPUP = 'popup';

export function isFromPage(value: unknown): value is FromPage {
  const kind = (value as Partial<FromPage> | null)?.kind;
  return kind === 'began' || kind === 'still' || kind === 'ended';
}

export function isForget(value: unknown): value is Forget {
  return (value as Partial<Forget> | null)?.kind === 'forget';
}
