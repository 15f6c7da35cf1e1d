// What binds an exchange together: the hash of what was sent, its keys, confirmations, seals. docs/PAIRING.md has the
// formulas. It does not know whose turn it is.
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { equalBytes } from '@noble/ciphers/utils.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { lv } from './cpace.js';
import { type Identity, verify } from './identity.js';
import type { Confirm } from './messages.js';

/** Whose key: the device is a, the desktop b. */
export type Side = 'a' | 'b';

/** The keys of one exchange. */
export class Keys {
  readonly th: Uint8Array;
  readonly #isk: Uint8Array;

  constructor(isk: Uint8Array, hello: Uint8Array, pakeA: Uint8Array, pakeB: Uint8Array) {
    this.#isk = isk;
    this.th = sha512(lv(hello, pakeA, pakeB));
  }

  /** The key with this label: `Kmac_a`, `Kmac_b`, `Kenc_a` or `Kenc_b`. */
  key(label: string): Uint8Array {
    return hkdf(sha512, this.#isk, this.th, utf8ToBytes(label), 32);
  }

  #mac(side: Side): Uint8Array {
    return hmac(sha256, this.key(`Kmac_${side}`), this.th);
  }

  /** This side's confirmation. */
  confirm(side: Side, identity: Identity): Confirm {
    return { mac: this.#mac(side), signature: identity.sign(`deskconn-pair-sig-${side}/1`, this.th) };
  }

  /** What of the other side's confirmation does not hold; `null` when all does. */
  check(side: Side, confirm: Confirm, key: Uint8Array): 'mac' | 'signature' | null {
    if (!equalBytes(this.#mac(side), confirm.mac)) return 'mac';
    return verify(key, `deskconn-pair-sig-${side}/1`, this.th, confirm.signature) ? null : 'signature';
  }

  /** Seals what this side says last. Each key seals once, so the nonce may stand still. */
  seal(side: Side, plain: Uint8Array): Uint8Array {
    return chacha20poly1305(this.key(`Kenc_${side}`), new Uint8Array(12)).encrypt(plain);
  }

  /** Opens what the other side sealed; `null` when it was changed. */
  open(side: Side, sealed: Uint8Array): Uint8Array | null {
    try {
      return chacha20poly1305(this.key(`Kenc_${side}`), new Uint8Array(12)).decrypt(sealed);
    } catch {
      return null;
    }
  }
}
