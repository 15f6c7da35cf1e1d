// What the extension keeps in the browser's storage. `storage.local` stays; `storage.session` ends with the browser, as the
// tabs do.
import type { Membership } from '@deskconn/client';
import type { Memory, Raised, Viewer, Wish } from './raised.js';

export interface Settings extends Wish {
  sites: string[];
  isEverywhere: boolean;
}

export const DEFAULTS: Settings = { percent: 100, which: 'first', sites: [], isEverywhere: false };

/** Percent that may be wished for: below it a video is darker than most screens are. */
export const LEAST_PERCENT = 10;

export async function settings(): Promise<Settings> {
  const kept = await chrome.storage.local.get(Object.keys(DEFAULTS));
  return { ...DEFAULTS, ...(kept as Partial<Settings>) };
}

/** Each is kept under its own name, so that two changes at once do not undo each other. */
export async function changeSettings(change: Partial<Settings>): Promise<void> {
  await chrome.storage.local.set(change);
}

let lastOfSites: Promise<unknown> = Promise.resolve();

/** Changes the list of sites, one change after the other. */
export function changeSites(change: (sites: string[]) => string[]): Promise<void> {
  const turn = lastOfSites.then(async () => changeSettings({ sites: change((await settings()).sites) }));
  lastOfSites = turn.catch(() => {});
  return turn;
}

/** Whether the list is another one now. */
export function isOfSites(changes: Record<string, unknown>): boolean {
  return 'sites' in changes || 'isEverywhere' in changes;
}

/** The desktop that this browser is paired with, and where it was found. */
export interface Pairing {
  membership: Membership;
  address: { host: string; port: number };
  /** Whether the desktop said that it knows this browser. It is kept before that, in case that word is lost. */
  isConfirmed: boolean;
}

export async function pairing(): Promise<Pairing | null> {
  const { pairing } = await chrome.storage.local.get('pairing');
  return (pairing as Pairing | undefined) ?? null;
}

export async function keepPairing(pairing: Pairing): Promise<void> {
  await chrome.storage.local.set({ pairing });
}

/** Forgets the desktop, and with it what was raised there. */
export async function forgetPairing(): Promise<void> {
  await chrome.storage.local.remove(['pairing', 'raised']);
}

export async function memory(): Promise<Memory> {
  const [{ viewers }, { raised }] = await Promise.all([chrome.storage.session.get('viewers'), chrome.storage.local.get('raised')]);
  return { viewers: (viewers as Viewer[] | undefined) ?? [], raised: (raised as Raised[] | null | undefined) ?? null };
}

export async function keepMemory({ viewers, raised }: Memory): Promise<void> {
  await Promise.all([chrome.storage.session.set({ viewers }), chrome.storage.local.set({ raised })]);
}
