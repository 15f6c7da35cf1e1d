// The device's end of deskconn-pair/1: a machine over frames, and the same over a WebSocket. It believes nothing of the
// desktop but what the secret confirms, and stores nothing: it gives what to store.
import { equalBytes } from '@noble/ciphers/utils.js';
import { bytesToHex, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { Malformed } from './cbor.js';
import { BadPoint, Share, lv, scalar } from './cpace.js';
import { type Identity, didOf, isNoiseKey, isSignKey } from './identity.js';
import type { Link } from './link.js';
import * as messages from './messages.js';
import { cleanText } from './name.js';
import { Keys } from './transcript.js';

/** What the person gave the device: eight digits ({@link parseCode}) or a link ({@link parseLink}). */
export type Secret = { code: string } | { link: Link };

/** Who the device is. */
export interface Introduction {
  identity: Identity;
  name: string;
  kind: messages.Kind;
  /** The role it would like; empty for whatever the desktop offers. */
  want: string;
}

/** What the device sees of the connection: the SHA-256 of the certificate's SPKI, and 32 exported bytes. */
export interface Sight {
  spki?: Uint8Array;
  exporter?: Uint8Array;
}

/** What a device keeps of a pairing; bytes as hexadecimal digits, so that it can be stored as JSON. */
export interface Joined {
  did: string;
  name: string;
  keys: { sign: string; noise: string; spki?: string };
  hosts: string[];
  port: number;
  path: string;
  realm: string;
  device_id: string;
  role: string;
  /** Unix time in seconds from which the device is no longer let in. */
  expires?: number;
}

/** Why a device was not paired. The first five are the desktop's words. */
export type FailureCode =
  | messages.Code
  | 'version' | 'malformed' | 'other_desktop' | 'other_certificate' | 'bad_key' | 'wrong_code' | 'bad_signature'
  | 'link_expired' | 'gone' | 'timeout' | 'unreachable';

const SENTENCES: Record<FailureCode, string> = {
  closed: 'the desktop is not waiting for a device; get a new code there',
  busy: 'the desktop is pairing another device; try again when that is done',
  expired: 'the time for pairing was over; get a new code at the desktop',
  refused: 'the request was not approved at the desktop',
  mismatch: 'the code was wrong, or somebody is in between; type it again, and if it is wrong again, get a new code at the desktop',
  version: 'this desktop pairs in another way than this program knows; bring both to the same version',
  malformed: 'the desktop sent something that is not the message due',
  other_desktop: 'another desktop answers at this address than the one that showed the link',
  other_certificate: 'somebody is in between: the connection shows another certificate than the desktop has',
  bad_key: 'the desktop shows keys that cannot be its own',
  wrong_code: 'the code was wrong, or somebody changed the messages on the way; type it again, and if it is wrong again, get a new code at the desktop',
  bad_signature: 'the desktop does not have the identity it shows',
  link_expired: 'the link is too old; get a new one at the desktop',
  gone: 'the connection ended before the pairing did',
  timeout: 'the desktop did not answer in time',
  unreachable: 'the desktop cannot be reached at this address',
};

/** The device was not paired. */
export class PairingError extends Error {
  constructor(readonly code: FailureCode) {
    super(SENTENCES[code]);
    this.name = 'PairingError';
  }
}

/** What the program does next. */
export type Progress =
  | { step: 'send'; frame: Uint8Array }
  /** The secret was right on both ends; somebody at the desktop is asked now, and may compare the fingerprint. */
  | { step: 'waiting'; desktop: string; fingerprint: string }
  /** Store the record, then send the frame. An `error` frame that follows means: forget it. */
  | { step: 'paired'; joined: Joined; frame: Uint8Array }
  /** It is over; send the frame, if there is one. */
  | { step: 'failed'; error: PairingError; frame: Uint8Array | null };

interface Greeting {
  frame: Uint8Array;
  hello: messages.Hello;
}
type Stage =
  | { at: 'begun' }
  | { at: 'shared'; greeting: Greeting; share: Share; pakeA: messages.PakeA }
  | { at: 'confirmed'; greeting: Greeting; keys: Keys }
  | { at: 'waiting'; greeting: Greeting; keys: Keys }
  | { at: 'over' };

/** The machine; it begins by waiting for `hello`. */
export class Joiner {
  #stage: Stage = { at: 'begun' };
  readonly #random: (length: number) => Uint8Array;

  /** `random` is for test vectors; leave it out. */
  constructor(
    private readonly secret: Secret,
    private readonly me: Introduction,
    private readonly sight: Sight = {},
    random: (length: number) => Uint8Array = randomBytes,
  ) {
    if (utf8ToBytes(me.want).length > messages.MAX_ROLE_BYTES) throw new RangeError('a role has at most 32 letters');
    this.#random = random;
  }

  /** Takes a frame from the desktop. Never throws for what is in it. */
  receive(frame: Uint8Array): Progress {
    const stage = this.#stage;
    this.#stage = { at: 'over' };
    const told = messages.decodeError(frame);
    if (told) return { step: 'failed', error: new PairingError(told), frame: null };
    try {
      switch (stage.at) {
        case 'begun': return this.#greeted(frame);
        case 'shared': return this.#answered(stage, frame);
        case 'confirmed': return this.#confirmed(stage, frame);
        case 'waiting': return this.#granted(stage, frame);
        case 'over': throw new Malformed();
      }
    } catch (error) {
      return { step: 'failed', error: asPairingError(error), frame: messages.encodeError('mismatch') };
    }
  }

  #greeted(frame: Uint8Array): Progress {
    const hello = messages.decodeHello(frame);
    this.#check(hello);
    const prs = 'code' in this.secret ? utf8ToBytes(this.secret.code) : this.secret.link.secret;
    const share = new Share(scalar(this.#random(64)), prs, parties(hello.did), hello.sid);
    const pakeA: messages.PakeA = {
      mode: 'code' in this.secret ? 'code' : 'qr',
      share: share.public,
      sign: this.me.identity.signPublic,
      noise: this.me.identity.noisePublic,
      seen: this.sight.spki ?? null,
      name: cleanText(this.me.name),
      kind: this.me.kind,
      want: this.me.want,
      ...(this.sight.exporter ? { exporter: this.sight.exporter } : {}),
    };
    this.#stage = { at: 'shared', greeting: { frame: frame.slice(), hello }, share, pakeA };
    return { step: 'send', frame: messages.encodePakeA(pakeA) };
  }

  /** Whether the desktop can be the one that is meant. Most of it is believed only after `conf_b`. */
  #check(hello: messages.Hello): void {
    if ('link' in this.secret && !equalBytes(this.secret.link.did, hello.did.subarray(0, 16))) throw new PairingError('other_desktop');
    const seen = this.sight.spki;
    if (seen && !(hello.spki && equalBytes(seen, hello.spki))) throw new PairingError('other_certificate');
    const { identity } = this.me;
    const isReflected = equalBytes(hello.sign, identity.signPublic) || equalBytes(hello.noise, identity.noisePublic);
    const isProper = isSignKey(hello.sign) && isNoiseKey(hello.noise) && equalBytes(didOf(hello.sign), hello.did);
    if (isReflected || !isProper) throw new PairingError('bad_key');
  }

  #answered({ greeting, share, pakeA }: Stage & { at: 'shared' }, frame: Uint8Array): Progress {
    const yb = messages.decodePakeB(frame);
    const isk = share.initiate(yb, messages.associated(pakeA), greeting.frame, greeting.hello.sid);
    const keys = new Keys(isk, greeting.frame, messages.encodePakeA(pakeA), frame);
    this.#stage = { at: 'confirmed', greeting, keys };
    return { step: 'send', frame: messages.encodeConfirm(keys.confirm('a', this.me.identity)) };
  }

  #confirmed({ greeting, keys }: Stage & { at: 'confirmed' }, frame: Uint8Array): Progress {
    const wrong = keys.check('b', messages.decodeConfirm(frame), greeting.hello.sign);
    if (wrong) throw new PairingError(wrong === 'mac' ? 'wrong_code' : 'bad_signature');
    this.#stage = { at: 'waiting', greeting, keys };
    return { step: 'waiting', desktop: cleanText(greeting.hello.name), fingerprint: this.me.identity.fingerprint };
  }

  #granted({ greeting: { hello }, keys }: Stage & { at: 'waiting' }, frame: Uint8Array): Progress {
    const plain = keys.open('b', messages.decodeBox(frame));
    if (!plain) throw new Malformed();
    const grant = messages.decodeGrant(plain);
    const joined: Joined = {
      did: bytesToHex(hello.did),
      name: cleanText(hello.name),
      keys: {
        sign: bytesToHex(hello.sign),
        noise: bytesToHex(hello.noise),
        ...(hello.spki ? { spki: bytesToHex(hello.spki) } : {}),
      },
      hosts: grant.hosts,
      port: grant.port,
      path: grant.path,
      realm: grant.realm,
      device_id: grant.deviceId,
      role: grant.role,
      ...(grant.expires === undefined ? {} : { expires: grant.expires }),
    };
    return { step: 'paired', joined, frame: messages.encodeBox(keys.seal('a', messages.encodeDone())) };
  }
}

/** The parties, CPace's `CI`. */
export function parties(did: Uint8Array): Uint8Array {
  return lv(utf8ToBytes('deskconn-pair/1'), utf8ToBytes('device'), utf8ToBytes('desktop'), did);
}

function asPairingError(error: unknown): PairingError {
  if (error instanceof PairingError) return error;
  if (error instanceof messages.OtherVersion) return new PairingError('version');
  if (error instanceof BadPoint) return new PairingError('bad_key');
  return new PairingError('malformed');
}
