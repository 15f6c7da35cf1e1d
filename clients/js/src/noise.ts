// Noise_IK_25519_ChaChaPoly_SHA256 (noiseprotocol.org, revision 34), both sides: the client is the initiator, the
// responder is for tests. It carries messages and knows no socket; noise_socket.ts does.
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';

// Exactly as long as the hash, so it is the first hash as it is (section 5.2).
const NAME = utf8ToBytes('Noise_IK_25519_ChaChaPoly_SHA256');
const NOTHING = new Uint8Array(0);

/** The largest Noise message in bytes (section 3). */
export const MAX_NOISE_MESSAGE_BYTES = 65535;
/** What encryption adds. */
export const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** A message was changed, cut, out of order, or from somebody else. The session is over. */
export class NoiseError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'NoiseError';
  }
}

class Cipher {
  #key: Uint8Array | null;
  #nonce = 0;

  constructor(key: Uint8Array | null) {
    this.#key = key;
  }

  #next(): Uint8Array {
    // The specification ends at 2^64 - 1; integers are exact here up to 2^53, which no session reaches.
    if (this.#nonce >= Number.MAX_SAFE_INTEGER) throw new NoiseError('the session has used up its nonces');
    const bytes = new Uint8Array(12);
    new DataView(bytes.buffer).setBigUint64(4, BigInt(this.#nonce), true);
    return bytes;
  }

  encrypt(ad: Uint8Array, plain: Uint8Array): Uint8Array {
    if (!this.#key) return plain;
    const sealed = chacha20poly1305(this.#key, this.#next(), ad).encrypt(plain);
    this.#nonce++;
    return sealed;
  }

  decrypt(ad: Uint8Array, sealed: Uint8Array): Uint8Array {
    if (!this.#key) return sealed;
    let plain: Uint8Array;
    try {
      plain = chacha20poly1305(this.#key, this.#next(), ad).decrypt(sealed);
    } catch {
      throw new NoiseError('a message does not decrypt');
    }
    this.#nonce++;
    return plain;
  }
}

/** A session after its handshake. Each direction has its own key and counts its messages. */
export class Session {
  readonly #send: Cipher;
  readonly #receive: Cipher;

  constructor(send: Uint8Array, receive: Uint8Array, /** The same on both sides, and of no other session. */ readonly handshakeHash: Uint8Array) {
    this.#send = new Cipher(send);
    this.#receive = new Cipher(receive);
  }

  encrypt(plain: Uint8Array): Uint8Array {
    if (plain.length > MAX_NOISE_MESSAGE_BYTES - TAG_BYTES) throw new NoiseError('a message is too long');
    return this.#send.encrypt(NOTHING, plain);
  }

  /** @throws NoiseError; then nothing more may be taken from this session */
  decrypt(sealed: Uint8Array): Uint8Array {
    if (sealed.length > MAX_NOISE_MESSAGE_BYTES) throw new NoiseError('a message is too long');
    return this.#receive.decrypt(NOTHING, sealed);
  }
}

/** The state that both sides share (sections 5.2 and 5.3). */
class Handshake {
  #hash: Uint8Array = NAME;
  #chain: Uint8Array = NAME;
  #cipher = new Cipher(null);

  constructor(prologue: Uint8Array, responderStatic: Uint8Array) {
    this.mix(prologue);
    this.mix(responderStatic);
  }

  get hash(): Uint8Array {
    return this.#hash;
  }

  mix(data: Uint8Array): void {
    this.#hash = sha256(concatBytes(this.#hash, data));
  }

  mixKey(input: Uint8Array): void {
    const [chain, key] = this.#expand(input);
    this.#chain = chain;
    this.#cipher = new Cipher(key);
  }

  dh(secret: Uint8Array, other: Uint8Array): void {
    let shared: Uint8Array;
    try {
      shared = x25519.getSharedSecret(secret, other);
    } catch {
      // The library refuses a shared secret of zeros.
      throw new NoiseError('the other side has a key of small order');
    }
    this.mixKey(shared);
  }

  encrypt(plain: Uint8Array): Uint8Array {
    const sealed = this.#cipher.encrypt(this.#hash, plain);
    this.mix(sealed);
    return sealed;
  }

  decrypt(sealed: Uint8Array): Uint8Array {
    const plain = this.#cipher.decrypt(this.#hash, sealed);
    this.mix(sealed);
    return plain;
  }

  /** The keys of the two directions, the initiator's first. */
  split(): [Uint8Array, Uint8Array] {
    return this.#expand(NOTHING);
  }

  #expand(input: Uint8Array): [Uint8Array, Uint8Array] {
    const early = hmac(sha256, this.#chain, input);
    const first = hmac(sha256, early, Uint8Array.of(1));
    return [first, hmac(sha256, early, concatBytes(first, Uint8Array.of(2)))];
  }
}

/** The client. `ephemeral` is for test vectors; leave it out. */
export class Initiator {
  readonly #state: Handshake;
  readonly #ephemeral: Uint8Array;

  constructor(private readonly secret: Uint8Array, private readonly responder: Uint8Array, prologue: Uint8Array, ephemeral = randomBytes(KEY_BYTES)) {
    this.#state = new Handshake(prologue, responder);
    this.#ephemeral = ephemeral;
  }

  /** The first message: `e, es, s, ss`. */
  write(payload: Uint8Array): Uint8Array {
    const state = this.#state;
    const e = x25519.getPublicKey(this.#ephemeral);
    state.mix(e);
    state.dh(this.#ephemeral, this.responder);
    const s = state.encrypt(x25519.getPublicKey(this.secret));
    state.dh(this.secret, this.responder);
    return concatBytes(e, s, state.encrypt(payload));
  }

  /** Takes the second message: `e, ee, se`. */
  read(message: Uint8Array): { payload: Uint8Array; session: Session } {
    if (message.length < KEY_BYTES + TAG_BYTES || message.length > MAX_NOISE_MESSAGE_BYTES) throw new NoiseError('the answer has no proper length');
    const state = this.#state;
    const e = message.subarray(0, KEY_BYTES);
    state.mix(e);
    state.dh(this.#ephemeral, e);
    state.dh(this.secret, e);
    const payload = state.decrypt(message.subarray(KEY_BYTES));
    const [send, receive] = state.split();
    return { payload, session: new Session(send, receive, state.hash) };
  }
}

/** The desktop's side, for tests. */
export class Responder {
  readonly #state: Handshake;
  #e: Uint8Array = NOTHING;
  #s: Uint8Array = NOTHING;

  constructor(private readonly secret: Uint8Array, prologue: Uint8Array, private readonly ephemeral = randomBytes(KEY_BYTES)) {
    this.#state = new Handshake(prologue, x25519.getPublicKey(secret));
  }

  /** Takes the first message: who it is from, and what it says. */
  read(message: Uint8Array): { initiator: Uint8Array; payload: Uint8Array } {
    const staticEnd = KEY_BYTES + KEY_BYTES + TAG_BYTES;
    if (message.length < staticEnd + TAG_BYTES || message.length > MAX_NOISE_MESSAGE_BYTES) throw new NoiseError('the first message has no proper length');
    const state = this.#state;
    this.#e = message.slice(0, KEY_BYTES);
    state.mix(this.#e);
    state.dh(this.secret, this.#e);
    this.#s = state.decrypt(message.subarray(KEY_BYTES, staticEnd));
    state.dh(this.secret, this.#s);
    return { initiator: this.#s, payload: state.decrypt(message.subarray(staticEnd)) };
  }

  /** The second message. */
  write(payload: Uint8Array): { message: Uint8Array; session: Session } {
    const state = this.#state;
    const e = x25519.getPublicKey(this.ephemeral);
    state.mix(e);
    state.dh(this.ephemeral, this.#e);
    state.dh(this.ephemeral, this.#s);
    const message = concatBytes(e, state.encrypt(payload));
    const [receive, send] = state.split();
    return { message, session: new Session(send, receive, state.hash) };
  }
}

/** What of a WAMP message one Noise message carries: the rest is the flag and the tag. */
export const FRAGMENT_BYTES = MAX_NOISE_MESSAGE_BYTES - TAG_BYTES - 1;

/** The plaintexts that carry one WAMP message: a flag byte, 1 when more follow, then a part of it. */
export function* fragments(message: Uint8Array): Generator<Uint8Array> {
  let at = 0;
  do {
    const end = Math.min(at + FRAGMENT_BYTES, message.length);
    yield concatBytes(Uint8Array.of(end < message.length ? 1 : 0), message.subarray(at, end));
    at = end;
  } while (at < message.length);
}

/** Puts WAMP messages together again, up to a bound. */
export class Assembler {
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(private readonly bound: number) {}

  /** Takes a plaintext; gives the message when it was the last of it. */
  take(plain: Uint8Array): Uint8Array | null {
    const flag = plain[0];
    if (flag !== 0 && flag !== 1) throw new NoiseError('a message has no proper flag');
    this.#length += plain.length - 1;
    if (this.#length > this.bound) throw new NoiseError('a message is longer than this client takes');
    // An empty part before the end would cost memory without ever reaching the bound.
    if (flag === 1 && plain.length === 1) throw new NoiseError('a fragment is empty');
    this.#parts.push(plain.subarray(1));
    if (flag === 1) return null;
    const message = concatBytes(...this.#parts);
    this.#parts = [];
    this.#length = 0;
    return message;
  }
}
