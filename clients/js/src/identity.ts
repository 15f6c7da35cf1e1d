// The keys of a device, its fingerprint, and what is checked of somebody else's keys. It stores nothing: where the
// bytes of an identity are kept is the program's business.
import { equalBytes } from '@noble/ciphers/utils.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The keys of a device: Ed25519 for logins and pairing, X25519 for Noise. */
export class Identity {
  readonly signPublic: Uint8Array;
  readonly noisePublic: Uint8Array;

  /** From the two secret keys of 32 bytes each, as they were stored. */
  constructor(readonly signSeed: Uint8Array, readonly noiseSecret: Uint8Array) {
    this.signPublic = ed25519.getPublicKey(signSeed);
    this.noisePublic = x25519.getPublicKey(noiseSecret);
  }

  /** New keys from the random source of the platform. */
  static generate(): Identity {
    return new Identity(randomBytes(32), randomBytes(32));
  }

  /** Signs `label ‖ 0 ‖ hash`. */
  sign(label: string, hash: Uint8Array): Uint8Array {
    return ed25519.sign(statement(label, hash), this.signSeed);
  }

  /** Answers a challenge of WAMP-cryptosign (64 hexadecimal digits): signature and challenge, in hexadecimal digits. */
  signChallenge(challenge: string): string {
    if (!/^[0-9a-fA-F]{64}$/.test(challenge)) throw new Error('a challenge of cryptosign has 64 hexadecimal digits');
    return bytesToHex(ed25519.sign(hexToBytes(challenge), this.signSeed)) + challenge.toLowerCase();
  }

  /** What a person compares on both screens, like `7KQ2-M4XR-ZP0T-9D3F`. */
  get fingerprint(): string {
    return fingerprint(this.signPublic);
  }
}

function statement(label: string, hash: Uint8Array): Uint8Array {
  return concatBytes(utf8ToBytes(label), Uint8Array.of(0), hash);
}

/** Whether this key made {@link Identity.sign}'s signature; strictly, as RFC 8032 has it and without small order. */
export function verify(key: Uint8Array, label: string, hash: Uint8Array, signature: Uint8Array): boolean {
  try {
    if (ed25519.Point.fromBytes(signature.subarray(0, 32)).isSmallOrder()) return false;
    return ed25519.verify(signature, statement(label, hash), key, { zip215: false });
  } catch {
    return false;
  }
}

/** The first 80 bits of `SHA-256("deskconn-key/1" ‖ key)` in Crockford's base 32, in groups of four. */
export function fingerprint(key: Uint8Array): string {
  const hash = sha256(concatBytes(utf8ToBytes('deskconn-key/1'), key)).subarray(0, 10);
  const bits = [...hash].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const symbols = bits.match(/.{5}/g)!.map((five) => CROCKFORD[parseInt(five, 2)]);
  return symbols.join('').match(/.{4}/g)!.join('-');
}

/** The id of the desktop with this Ed25519 key. */
export function didOf(sign: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8ToBytes('deskconn-did/1'), sign));
}

/** Whether the bytes are an Ed25519 key for which a signature proves something. */
export function isSignKey(key: Uint8Array): boolean {
  try {
    return key.length === 32 && !ed25519.Point.fromBytes(key).isSmallOrder();
  } catch {
    return false;
  }
}

/** Whether the bytes are the canonical encoding of an X25519 key that is not of small order. */
export function isNoiseKey(key: Uint8Array): boolean {
  if (key.length !== 32 || key[31]! > 0x7f) return false;
  const isPastPrime = key[31] === 0x7f && key.subarray(1, 31).every((byte) => byte === 0xff) && key[0]! >= 0xed;
  if (isPastPrime) return false;
  try {
    return !equalBytes(x25519.getSharedSecret(new Uint8Array(32).fill(1), key), new Uint8Array(32));
  } catch {
    // The library refuses a shared secret of zeros by itself.
    return false;
  }
}
