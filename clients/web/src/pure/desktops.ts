// What this origin knows of other desktops. Each desktop serves its page at an origin of its own, where its keys stay; the
// list of the others travels in the fragment when a person switches. It is only a list of places to go: whatever comes
// in it is a stranger's word, checked and shown with its address, and never makes anything trusted.
import { cleanText } from '@deskconn/client';
import { isNearby } from './addresses.js';

/** More desktops than a household has; what has not been seen longest is dropped. */
export const MAX_DESKTOPS = 16;
/** The longest list in a fragment, in characters: sixteen full entries as base64. */
export const MAX_LIST_CHARS = 8192;

/** A desktop that can be gone to. */
export interface KnownDesktop {
  /** The first 16 hexadecimal digits of its id. */
  id: string;
  name: string;
  host: string;
  port: number;
  /** Whether a device of this browser was paired there when it was last heard of. */
  paired: boolean;
  /** Unix time in milliseconds. */
  seenAt: number;
}

/** The digits of an id by which desktops are told apart: as many as mDNS tells. */
export function shortId(id: string): string {
  return id.slice(0, 16).toLowerCase();
}

/** What of some value is a desktop; `null` when it is none. `now` bounds the time it claims. */
export function readDesktop(value: unknown, now: number): KnownDesktop | null {
  if (typeof value !== 'object' || value === null) return null;
  const { id, name, host, port, paired, seenAt } = value as Record<string, unknown>;
  if (typeof id !== 'string' || !/^[0-9a-f]{16}$/.test(id)) return null;
  if (typeof host !== 'string' || !isNearby(host)) return null;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535) return null;
  const shown = typeof name === 'string' ? cleanText(name) : '';
  const seen = typeof seenAt === 'number' && seenAt >= 0 && seenAt <= now ? seenAt : 0;
  return { id, name: shown || host, host, port, paired: paired === true, seenAt: seen };
}

/** A list from storage or a fragment, with what is not a desktop left out. */
export function readDesktops(value: unknown, now: number): KnownDesktop[] {
  if (!Array.isArray(value)) return [];
  const read = value.slice(0, MAX_DESKTOPS * 2).map((entry) => readDesktop(entry, now));
  return merge([], read.filter((entry) => entry !== null));
}

/** Both lists as one, each desktop once by its id, with what `news` says of it; the longest unseen are dropped. */
export function merge(known: readonly KnownDesktop[], news: readonly KnownDesktop[]): KnownDesktop[] {
  const byId = new Map(known.map((desktop) => [desktop.id, desktop]));
  for (const desktop of news) {
    const before = byId.get(desktop.id);
    if (!before || desktop.seenAt >= before.seenAt) byId.set(desktop.id, desktop);
  }
  return [...byId.values()].sort((one, other) => other.seenAt - one.seenAt).slice(0, MAX_DESKTOPS);
}

/** The list as it stands in a fragment. */
export function encodeDesktops(desktops: readonly KnownDesktop[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(desktops.slice(0, MAX_DESKTOPS)));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The list that stands in a fragment; empty when it is none. */
export function decodeDesktops(text: string, now: number): KnownDesktop[] {
  if (text.length > MAX_LIST_CHARS || !/^[0-9A-Za-z_-]*$/.test(text)) return [];
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return readDesktops(JSON.parse(new TextDecoder().decode(bytes)), now);
  } catch {
    return [];
  }
}
