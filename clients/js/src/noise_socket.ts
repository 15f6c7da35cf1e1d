// A WebSocket with Noise inside that looks like a WebSocket, so that a WAMP library (wampy, autobahn, …) runs over it
// as it is: give it the class of `noiseWebSocket` in the place of the platform's.
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { Assembler, Initiator, NoiseError, type Session, fragments } from './noise.js';

/** The WebSocket subprotocol. */
export const NOISE_SUBPROTOCOL = 'deskconn.noise.1';
/** The largest WAMP message that is taken: what a desktop sends at most. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Close code of a session that failed: of those that programs may choose (RFC 6455, section 7.4.2). */
export const CLOSE_NOISE_FAILED = 4400;
const CONNECTING = 0, OPEN = 1, CLOSING = 2, CLOSED = 3;

/** Who speaks, and with which desktop: from the record of the pairing. */
export interface NoiseLogin {
  /** The device's X25519 secret, 32 bytes. */
  secret: Uint8Array;
  /** The desktop's X25519 key and id, as bytes or hexadecimal digits. */
  desktop: { noise: Uint8Array | string; did: Uint8Array | string };
  /** The largest message to take; {@link MAX_MESSAGE_BYTES} when left out. */
  maxMessageBytes?: number;
}

/** What of the platform's WebSocket is used. */
export interface PlainSocket {
  binaryType: string;
  readonly protocol: string;
  readonly bufferedAmount: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}
export type PlainSocketClass = new (url: string, protocols: string[]) => PlainSocket;

/** The prologue of a session with the desktop of this id. */
export function prologue(did: Uint8Array): Uint8Array {
  return concatBytes(utf8ToBytes(NOISE_SUBPROTOCOL), did);
}

type Kind = 'open' | 'message' | 'close' | 'error';
type Listener = (event: any) => void;
/** The shape that WAMP libraries expect of an event. */
interface SocketEvent {
  type: Kind;
  target: NoiseSocket;
  data?: string | ArrayBuffer;
  code?: number;
  reason?: string;
  wasClean?: boolean;
  message?: string;
  error?: Error;
}

/** A WebSocket whose messages go through Noise. It is open when the desktop has proved its key. */
export class NoiseSocket {
  static readonly CONNECTING = CONNECTING;
  static readonly OPEN = OPEN;
  static readonly CLOSING = CLOSING;
  static readonly CLOSED = CLOSED;

  onopen: Listener | null = null;
  onmessage: Listener | null = null;
  onclose: Listener | null = null;
  onerror: Listener | null = null;
  readyState: number = CONNECTING;
  /** The WAMP subprotocol that the desktop chose, when it is open. */
  protocol = '';
  readonly extensions = '';
  /** Messages in binary are given as `ArrayBuffer`, whatever is set here. */
  binaryType = 'arraybuffer';

  readonly #socket: PlainSocket;
  readonly #initiator: Initiator;
  readonly #offered: string[];
  readonly #assembler: Assembler;
  readonly #listeners: Record<Kind, Set<Listener>> = { open: new Set(), message: new Set(), close: new Set(), error: new Set() };
  #session: Session | null = null;
  #failure: NoiseError | null = null;
  #isProbed = false;
  #wasRefused = false;

  constructor(Socket: PlainSocketClass, readonly url: string, protocols: string | string[], login: NoiseLogin) {
    this.#offered = [protocols].flat();
    if (this.#offered.length === 0 || this.#offered.some((it) => it.includes(','))) throw new SyntaxError('at least one WAMP subprotocol must be offered');
    const noise = bytes(login.desktop.noise), did = bytes(login.desktop.did);
    this.#initiator = new Initiator(login.secret, noise, prologue(did));
    this.#assembler = new Assembler(login.maxMessageBytes ?? MAX_MESSAGE_BYTES);
    this.#socket = new Socket(url, [NOISE_SUBPROTOCOL]);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onopen = () => this.#guard(() => this.#opened());
    this.#socket.onmessage = (event: { data: unknown }) => this.#guard(() => this.#received(event.data));
    this.#socket.onerror = () => this.#emit({ type: 'error', message: 'the connection failed' });
    this.#socket.onclose = (event: { code: number; reason: string; wasClean: boolean }) => this.#closed(event);
  }

  /**
   * Whether somebody took the handshake and closed the connection in order instead of answering, or answered wrongly: the
   * desktop would have, anybody else cannot. A connection that is cut says nothing of who is there.
   */
  get isUnproved(): boolean {
    return this.#isProbed && !this.#session && (this.#wasRefused || this.#failure !== null);
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(data: string | ArrayBuffer | ArrayBufferView): void {
    if (this.readyState === CONNECTING) throw new Error('the connection is not open yet');
    // As a WebSocket: what is sent when it is closing goes nowhere.
    if (this.readyState !== OPEN || !this.#session) return;
    const session = this.#session;
    for (const part of fragments(asBytes(data))) this.#socket.send(session.encrypt(part));
  }

  close(code = 1000, reason = ''): void {
    if (this.readyState === CLOSING || this.readyState === CLOSED) return;
    this.readyState = CLOSING;
    this.#socket.close(code, reason);
  }

  addEventListener(type: Kind, listener: Listener): void {
    this.#listeners[type]?.add(listener);
  }

  removeEventListener(type: Kind, listener: Listener): void {
    this.#listeners[type]?.delete(listener);
  }

  #opened(): void {
    // A server that took no subprotocol, or another, is not the desktop or is stripped of its Noise on the way.
    if (this.#socket.protocol !== NOISE_SUBPROTOCOL) throw new NoiseError('the desktop does not speak Noise here');
    this.#socket.send(this.#initiator.write(utf8ToBytes(this.#offered.join(','))));
    this.#isProbed = true;
  }

  #received(data: unknown): void {
    if (this.readyState !== CONNECTING && this.readyState !== OPEN) return;
    if (!(data instanceof ArrayBuffer)) throw new NoiseError('the desktop sent something that is not encrypted');
    const message = new Uint8Array(data);
    if (this.#session) return this.#decrypted(this.#session.decrypt(message));
    const { payload, session } = this.#initiator.read(message);
    const chosen = new TextDecoder().decode(payload);
    if (!this.#offered.includes(chosen)) throw new NoiseError('the desktop chose a subprotocol that was not offered');
    this.#session = session;
    this.protocol = chosen;
    this.readyState = OPEN;
    this.#emit({ type: 'open' });
  }

  #decrypted(plain: Uint8Array): void {
    const message = this.#assembler.take(plain);
    if (!message) return;
    const isText = /\.json(\.batched)?$/.test(this.protocol);
    const data = isText ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message) : message.slice().buffer;
    this.#emit({ type: 'message', data });
  }

  /** Ends the session when what is done fails: nothing of it can be trusted any more. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (this.#failure) return;
      this.#failure = error instanceof NoiseError ? error : new NoiseError('the desktop sent something that cannot be read');
      this.close(CLOSE_NOISE_FAILED, this.#failure.message);
      this.#emit({ type: 'error', error: this.#failure, message: this.#failure.message });
    }
  }

  #closed(event: { code: number; reason: string; wasClean: boolean }): void {
    this.readyState = CLOSED;
    const failure = this.#failure;
    this.#wasRefused = event.wasClean;
    const { code, reason, wasClean } = failure ? { code: CLOSE_NOISE_FAILED, reason: failure.message, wasClean: false } : event;
    this.#emit({ type: 'close', code, reason: String(reason), wasClean });
  }

  #emit(parts: Omit<SocketEvent, 'target'>): void {
    const event: SocketEvent = { ...parts, target: this };
    const handler = { open: this.onopen, message: this.onmessage, close: this.onclose, error: this.onerror }[parts.type];
    // What a listener throws is its own failure and no reason to end the session.
    for (const listener of [handler, ...this.#listeners[parts.type]]) {
      try {
        listener?.(event);
      } catch (error) {
        queueMicrotask(() => { throw error; });
      }
    }
  }
}

/** A class for WAMP libraries that take one: `new (noiseWebSocket(login))(url, protocols)`. */
export function noiseWebSocket(login: NoiseLogin, Socket: PlainSocketClass = globalThis.WebSocket as unknown as PlainSocketClass): new (url: string, protocols?: string | string[]) => NoiseSocket {
  return class extends NoiseSocket {
    constructor(url: string, protocols: string | string[] = []) {
      super(Socket, url, protocols, login);
    }
  };
}

function bytes(value: Uint8Array | string): Uint8Array {
  const result = typeof value === 'string' ? hexToBytes(value) : value;
  if (result.length !== 32) throw new RangeError(`32 bytes are expected, not ${bytesToHex(result).slice(0, 16)}…`);
  return result;
}

function asBytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return utf8ToBytes(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
