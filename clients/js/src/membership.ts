// What a device keeps of a desktop, and the way to get it.
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { Identity } from './identity.js';
import { type Kind, SUBPROTOCOL } from './messages.js';
import type { NoiseLogin, PlainSocketClass } from './noise_socket.js';
import { type FrameSocket, pairOver } from './pair_over.js';
import { type Joined, PairingError, type Secret } from './pairing.js';

/** How long a desktop has to answer that it is there, in milliseconds. */
const HEALTH_MS = 3000;

/** Where a desktop listens. */
export interface Address {
  /** Name, IPv4 address, or IPv6 address without brackets. */
  host: string;
  port: number;
}

/** What a device keeps of a desktop, as JSON: whoever has it is the device. */
export interface Membership {
  joined: Joined;
  /** The device's Ed25519 seed and X25519 secret as hexadecimal digits. They are for this desktop alone. */
  keys: { sign: string; noise: string };
  /** When it was paired, RFC 3339. */
  pairedAt: string;
}

/** Who asks to be paired, with what. */
export interface PairingRequest {
  secret: Secret;
  /** What the desktop's owner is shown. */
  name: string;
  kind: Kind;
  /** The role it would like; whatever the desktop offers when left out. */
  want?: string;
  /** The secret was right, and the desktop asks its owner: show the fingerprint, which the desktop shows too. */
  onWaiting?: (desktop: string, fingerprint: string) => void;
  /** Keeps it. Called before the desktop stores the device; when it fails, nobody is paired. */
  keep: (membership: Membership) => void | Promise<void>;
  /** Forgets what was kept, because the desktop could not store the device. */
  forget?: () => void | Promise<void>;
  WebSocket?: PlainSocketClass;
  /** Ends the pairing. */
  signal?: AbortSignal;
}

/**
 * Pairs with the desktop at an address, as a new device with keys of its own.
 * @throws PairingError, or what `keep` threw
 */
export async function pairWith(address: Address, request: PairingRequest): Promise<Membership> {
  const identity = Identity.generate();
  const keys = { sign: bytesToHex(identity.signSeed), noise: bytesToHex(identity.noiseSecret) };
  const membership = (joined: Joined): Membership => ({ joined, keys, pairedAt: new Date().toISOString() });
  const { secret, name, kind, want = '', onWaiting, keep, forget, signal } = request;
  const Socket = request.WebSocket ?? (globalThis.WebSocket as unknown as PlainSocketClass);
  const socket = new Socket(socketUrl(address, '/pair'), [SUBPROTOCOL]) as unknown as FrameSocket;
  let wasOpen = false;
  socket.addEventListener('message', () => { wasOpen = true; });
  const stop = (): void => socket.close();
  signal?.addEventListener('abort', stop);
  try {
    const joined = await pairOver(socket, {
      secret,
      me: { identity, name, kind, want },
      ...(onWaiting ? { onWaiting } : {}),
      store: (joined) => keep(membership(joined)),
      ...(forget ? { forget } : {}),
    });
    return membership(joined);
  } catch (error) {
    const isSilent = error instanceof PairingError && (error.code === 'gone' || error.code === 'timeout');
    if (!isSilent || wasOpen || signal?.aborted) throw error;
    // The door for pairing does not exist while no window is open, so all that a browser says is that it failed.
    throw new PairingError((await answers(address)) ? 'closed' : 'unreachable');
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Whether a desktop is there at all, as far as a page may know. */
async function answers(address: Address): Promise<boolean> {
  try {
    return (await fetch(socketUrl(address, '/healthz').replace(/^ws/, 'http'), { signal: AbortSignal.timeout(HEALTH_MS) })).ok;
  } catch {
    return false;
  }
}

/** `host:port` as it stands in a URL. */
export function authority({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The URL of a WebSocket there. A page that came over TLS may open nothing that is not inside it. */
export function socketUrl(address: Address, path: string): string {
  const isSecure = (globalThis as { location?: Location }).location?.protocol === 'https:';
  return `${isSecure ? 'wss' : 'ws'}://${authority(address)}${path}`;
}

/** The device's keys. */
export function identityOf({ keys }: Membership): Identity {
  return new Identity(hexToBytes(keys.sign), hexToBytes(keys.noise));
}

/** Who speaks in Noise, and with whom. */
export function loginOf({ joined, keys }: Membership): NoiseLogin {
  return { secret: hexToBytes(keys.noise), desktop: { noise: joined.keys.noise, did: joined.did } };
}
