// CPace over ristretto255 with SHA-512 (draft-irtf-cfrg-cpace-21, suite CPACE-RISTR255-SHA512), the initiator's side
// and, for tests, the responder's. The labels stay those of that draft under the version of our own protocol.
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

const DSI = utf8ToBytes('CPaceRistretto255');
const DSI_ISK = utf8ToBytes('CPaceRistretto255_ISK');
const HASH_BLOCK_BYTES = 128;
const { Point } = ristretto255;
type Element = InstanceType<typeof Point>;

/** What was received is no element of the group, or the neutral one, with which the key would be known to everybody. */
export class BadPoint extends Error {
  constructor() {
    super('this is no usable element of the group');
    this.name = 'BadPoint';
  }
}

function leb128(length: number): Uint8Array {
  const bytes: number[] = [];
  do {
    bytes.push((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
    length >>>= 7;
  } while (length > 0);
  return Uint8Array.from(bytes);
}

/** Each part behind its length in LEB128: the draft's `lv_cat`. */
export function lv(...parts: Uint8Array[]): Uint8Array {
  return concatBytes(...parts.flatMap((part) => [leb128(part.length), part]));
}

/** The generator that belongs to the secret, encoded. */
export function generator(prs: Uint8Array, ci: Uint8Array, sid: Uint8Array): Uint8Array {
  return derive(prs, ci, sid).toBytes();
}

function derive(prs: Uint8Array, ci: Uint8Array, sid: Uint8Array): Element {
  const padding = Math.max(0, HASH_BLOCK_BYTES - 1 - lv(prs).length - lv(DSI).length);
  const input = lv(DSI, prs, new Uint8Array(padding), ci, sid);
  return ristretto255_hasher.deriveToCurve!(sha512(input)) as Element;
}

/** A secret number of 64 random bytes, little end first. */
export function scalar(random: Uint8Array): bigint {
  let value = 0n;
  for (let at = random.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(random[at]!);
  const reduced = value % Point.Fn.ORDER;
  if (reduced === 0n) throw new Error('the random source gave zeros');
  return reduced;
}

/** One side's share of a run. */
export class Share {
  readonly public: Uint8Array;
  readonly #secret: bigint;

  constructor(secret: bigint, prs: Uint8Array, ci: Uint8Array, sid: Uint8Array) {
    this.#secret = secret;
    this.public = derive(prs, ci, sid).multiply(secret).toBytes();
  }

  /** The draft's `scalar_mult_vfy`: the point that both sides reach. */
  meet(other: Uint8Array): Uint8Array {
    let point: Element;
    try {
      point = Point.fromBytes(other);
    } catch {
      throw new BadPoint();
    }
    // 32 zero bytes decode to the neutral element without an error.
    if (point.equals(Point.ZERO)) throw new BadPoint();
    return point.multiply(this.#secret).toBytes();
  }

  /** The initiator's key. */
  initiate(yb: Uint8Array, adA: Uint8Array, adB: Uint8Array, sid: Uint8Array): Uint8Array {
    return sessionKey(this.meet(yb), sid, this.public, adA, yb, adB);
  }

  /** The responder's key. */
  respond(ya: Uint8Array, adA: Uint8Array, adB: Uint8Array, sid: Uint8Array): Uint8Array {
    return sessionKey(this.meet(ya), sid, ya, adA, this.public, adB);
  }
}

function sessionKey(k: Uint8Array, sid: Uint8Array, ya: Uint8Array, adA: Uint8Array, yb: Uint8Array, adB: Uint8Array): Uint8Array {
  return sha512(concatBytes(lv(DSI_ISK, sid, k), lv(ya, adA), lv(yb, adB)));
}
