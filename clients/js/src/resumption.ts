// Sessions that survive their connection: what both ends count, keep and say, so that after a return nothing is lost and
// nothing comes twice. `docs/RESUMPTION.md` is the protocol, `router/wamp/src/resumption.rs` the same in Rust; the socket
// around it is `resuming_socket.ts`.
import { isDict } from './failure.js';

export const HELLO = 1, WELCOME = 2, ABORT = 3, CHALLENGE = 4, AUTHENTICATE = 5, GOODBYE = 6, RECEIVED = 1001;
/** They open or close a session, or are RECEIVED itself. */
const UNCOUNTED: ReadonlySet<number> = new Set([HELLO, WELCOME, ABORT, CHALLENGE, AUTHENTICATE, GOODBYE, RECEIVED]);

/** With so many messages of which it does not know that they have arrived, an end sends no more until it does. */
export const UNACKNOWLEDGED_MESSAGES = 1024;
/** The same for their bytes. One message may be longer. */
export const UNACKNOWLEDGED_BYTES = 2 * 1024 * 1024;
/** The other end is told after so many messages at the latest: it must never wait for it. */
export const ACKNOWLEDGED_MESSAGES = 128;
/** The same for characters of text, each at most three bytes of the other end's window. */
export const ACKNOWLEDGED_CHARACTERS = 256 * 1024;
/** What waits while nothing can be sent: four times what may be on its way, and a page that makes more will not stop. */
export const KEPT_MESSAGES = 4 * UNACKNOWLEDGED_MESSAGES;
/** The same for bytes: little beside what a page takes, and enough for any picture that a phone sends. */
export const KEPT_BYTES = 4 * UNACKNOWLEDGED_BYTES;

/** What a WELCOME says of resumption. */
export interface Granted {
  /** Proves later that the session is one's own. */
  token: string;
  /** Seconds after the loss of the connection in which it can be resumed. */
  withinS: number;
  /** How many messages had arrived at the router, when the session goes on; `null` when this is another session. */
  resumed: number | null;
}

/** Reads the details of a WELCOME; `null` where the router does not offer it. */
export function granted(details: unknown): Granted | null {
  if (!isDict(details)) return null;
  const { resume_token: token, _resume_within: withinS, _received: received, resumed } = details;
  if (typeof token !== 'string' || !isCount(withinS)) return null;
  return { token, withinS, resumed: resumed === true && isCount(received) ? received : null };
}

/** What a message in JSON is, by the number at its beginning; `null` when there is none. */
export function kindOf(text: string): number | null {
  const match = /^\s*\[\s*([0-9]{1,4})\s*[,\]]/.exec(text);
  return match ? Number(match[1]) : null;
}

/** Whether a message of this kind counts. */
export function counts(kind: number): boolean {
  return !UNCOUNTED.has(kind);
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The messages that arrived here: how many, and when the other end is to be told. */
export class Inbound {
  #received = 0;
  #told = 0;
  #characters = 0;

  /** How many have arrived. */
  get received(): number {
    return this.#received;
  }

  /** Whether anything has arrived of which the other end was not told. */
  get isBehind(): boolean {
    return this.#received > this.#told;
  }

  /** Whether the other end holds so much that it should be told now. */
  get isDue(): boolean {
    return this.#received - this.#told >= ACKNOWLEDGED_MESSAGES || this.#characters >= ACKNOWLEDGED_CHARACTERS;
  }

  arrived(text: string): void {
    this.#received += 1;
    this.#characters += text.length;
  }

  /** What the other end is told; it knows then. */
  acknowledge(): string {
    this.told();
    return JSON.stringify([RECEIVED, this.#received]);
  }

  /** The other end was told by the HELLO of a return. */
  told(): void {
    this.#told = this.#received;
    this.#characters = 0;
  }
}

/** The messages that go out, in their order, each kept until it has arrived: those on their way first, those that wait behind. */
export class Outbound {
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;
  /** How many have arrived: those in front of the first that is kept. */
  #arrived = 0;
  /** How many of those that are kept were sent over this connection, and their bytes. */
  #sent = 0;
  #sentBytes = 0;

  /** Keeps a message; `false` when there is no room for it. */
  push(message: Uint8Array): boolean {
    const isFull = this.#kept.length >= KEPT_MESSAGES || (this.#kept.length > 0 && this.#keptBytes + message.length > KEPT_BYTES);
    if (isFull) return false;
    this.#kept.push(message);
    this.#keptBytes += message.length;
    return true;
  }

  /** The next message to send; `null` when there is none, or none may be sent before others have arrived. */
  next(): Uint8Array | null {
    const message = this.#kept[this.#sent];
    if (!message || this.#sent >= UNACKNOWLEDGED_MESSAGES || this.#sentBytes >= UNACKNOWLEDGED_BYTES) return null;
    this.#sent += 1;
    this.#sentBytes += message.length;
    return message;
  }

  /** The other end says how many have arrived; `false` when it cannot be so many, or they were more before. */
  acknowledged(count: number): boolean {
    const news = count - this.#arrived;
    if (news < 0 || news > this.#sent) return false;
    for (const { length } of this.#kept.splice(0, news)) {
      this.#keptBytes -= length;
      this.#sentBytes -= length;
    }
    this.#sent -= news;
    this.#arrived = count;
    return true;
  }

  /** It goes on over another connection, after so many have arrived; what was sent and did not is sent again. */
  rewind(count: number): boolean {
    if (!this.acknowledged(count)) return false;
    this.#sent = 0;
    this.#sentBytes = 0;
    return true;
  }

  /** Messages that are kept, and their bytes. */
  get load(): [number, number] {
    return [this.#kept.length, this.#keptBytes];
  }
}
