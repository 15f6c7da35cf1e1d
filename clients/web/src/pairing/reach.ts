// Whether a desktop answers at an address, and the move to the origin that survives new addresses.
import type { Link } from '@deskconn/client';
import { isAddress, isLoopback } from '../pure/addresses.js';

/** A name on the same network answers within milliseconds; a phone whose system knows no mDNS gives up later than people do. */
export const REACH_MS = 1200;

/** Whether a daemon answers there. Never throws. */
export async function isReachable(url: string, withinMs = REACH_MS): Promise<boolean> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), withinMs);
  try {
    const response = await fetch(url, { signal: stop.signal, cache: 'no-store', credentials: 'omit' });
    return response.ok && (await response.text()).trim() === 'ok';
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The origin by the desktop's own name, if the page was opened by an address and the name works from here. Keys belong to
 * an origin: those of an address are lost when the network gives the desktop another one.
 */
export async function betterOrigin(link: Link): Promise<string | null> {
  if (!isAddress(link.host) || isLoopback(link.host)) return null;
  const id = Array.from(link.did.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const origin = `http://deskconn-${id}.local:${link.port}`;
  return (await isReachable(`${origin}/healthz`)) ? origin : null;
}
