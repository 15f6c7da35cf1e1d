// What stands behind the # of the address: a pairing link `p=1.…`, a list of desktops `d=1.…`, or a screen `/slides`.
// Secrets are taken out of the address bar at once by whoever reads them here.
import { type KnownDesktop, decodeDesktops } from './desktops.js';
import { inUrl } from './addresses.js';

/** The longest fragment that is read: a list of desktops and a pairing link. */
export const MAX_FRAGMENT_CHARS = 10_000;

export interface Fragment {
  /** The text behind `p=`, with its version; `null` without one. */
  pair: string | null;
  desktops: KnownDesktop[];
  /** The screen, like `slides`; empty for none. */
  route: string;
}

/** Reads `location.hash`. Whatever is not known is left out. */
export function readFragment(hash: string, now: number): Fragment {
  const fragment: Fragment = { pair: null, desktops: [], route: '' };
  const text = hash.replace(/^#/, '');
  if (text.length > MAX_FRAGMENT_CHARS) return fragment;
  if (text.startsWith('/')) {
    fragment.route = /^\/([a-z-]{1,32})$/.exec(text)?.[1] ?? '';
    return fragment;
  }
  for (const part of text.split('&')) {
    if (part.startsWith('p=')) fragment.pair = part.slice(2);
    else if (part.startsWith('d=1.')) fragment.desktops = decodeDesktops(part.slice(4), now);
  }
  return fragment;
}

/** The link of the QR code again, as it was before the page was opened by it. */
export function linkText(place: { host: string; port: number }, pair: string): string {
  return `http://${inUrl(place.host)}:${place.port}/#p=${pair}`;
}

/** Whether a fragment carries what must not stay in the address bar. */
export function isCarrying(hash: string): boolean {
  return /^#[pd]=/.test(hash);
}
