// The messages of deskconn-pair/1 as the device reads and writes them. docs/PAIRING.md has the table.
import { type CborMap, type Item, Malformed, decode, encode } from './cbor.js';

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = 'deskconn.pair.1';
/** The largest frame in bytes. */
export const MAX_FRAME_BYTES = 4096;
export const MAX_HOSTS = 8;
export const MAX_HOST_BYTES = 253;
export const MAX_PLACE_TEXT_BYTES = 255;
export const MAX_NAME_BYTES = 256;
export const MAX_ROLE_BYTES = 32;
const SUITE = 'CPACE-RISTR255-SHA512';

export const KINDS = ['web', 'android', 'ios', 'cli', 'ext', 'lib'] as const;
export type Kind = (typeof KINDS)[number];
export const CODES = ['closed', 'busy', 'expired', 'refused', 'mismatch'] as const;
/** What one side tells the other when it ends the exchange. */
export type Code = (typeof CODES)[number];

export interface Hello {
  sid: Uint8Array;
  did: Uint8Array;
  sign: Uint8Array;
  noise: Uint8Array;
  spki: Uint8Array | null;
  name: string;
}
export interface PakeA {
  mode: 'code' | 'qr';
  share: Uint8Array;
  sign: Uint8Array;
  noise: Uint8Array;
  seen: Uint8Array | null;
  name: string;
  kind: Kind;
  want: string;
  exporter?: Uint8Array;
}
export interface Confirm {
  mac: Uint8Array;
  signature: Uint8Array;
}
export interface Grant {
  deviceId: string;
  role: string;
  realm: string;
  hosts: string[];
  port: number;
  path: string;
  /** Unix time in seconds. */
  expires?: number;
}

/** The desktop speaks another version or suite. */
export class OtherVersion extends Error {
  constructor() {
    super('the desktop speaks another version of the protocol');
    this.name = 'OtherVersion';
  }
}

/** Takes a message apart; what is left at the end is an error. */
class Fields {
  readonly #map: CborMap;
  constructor(frame: Uint8Array) {
    if (frame.length > MAX_FRAME_BYTES) throw new Malformed();
    this.#map = decode(frame);
  }
  #take(key: string): Item | undefined {
    const value = this.#map.get(key);
    this.#map.delete(key);
    return value;
  }
  bytes(key: string, length?: number): Uint8Array {
    const value = this.#take(key);
    if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length)) throw new Malformed();
    return value;
  }
  bytesOrNull(key: string, length: number): Uint8Array | null {
    if (this.#map.get(key) !== null) return this.bytes(key, length);
    this.#map.delete(key);
    return null;
  }
  text(key: string, limit: number): string {
    const value = this.#take(key);
    if (typeof value !== 'string' || byteLength(value) > limit) throw new Malformed();
    return value;
  }
  texts(key: string, count: number, limit: number): string[] {
    const value = this.#take(key);
    if (!Array.isArray(value) || value.length > count || value.some((text) => byteLength(text) > limit)) throw new Malformed();
    return value;
  }
  number(key: string, largest: number): number {
    const value = this.#take(key);
    if (typeof value !== 'number' || value > largest) throw new Malformed();
    return value;
  }
  has(key: string): boolean {
    return this.#map.has(key);
  }
  end(): void {
    if (this.#map.size !== 0) throw new Malformed();
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

export function decodeHello(frame: Uint8Array): Hello {
  const fields = new Fields(frame);
  if (fields.number('v', Number.MAX_SAFE_INTEGER) !== 1 || fields.text('suite', MAX_FRAME_BYTES) !== SUITE) throw new OtherVersion();
  const hello = {
    sid: fields.bytes('sid', 16),
    did: fields.bytes('did', 32),
    sign: fields.bytes('ds', 32),
    noise: fields.bytes('dn', 32),
    spki: fields.bytesOrNull('spki', 32),
    name: fields.text('name', MAX_NAME_BYTES),
  };
  fields.end();
  return hello;
}

function pakeAFields(message: PakeA): CborMap {
  const map: CborMap = new Map<string, Item>([
    ['mode', message.mode],
    ['cs', message.sign],
    ['cn', message.noise],
    ['seen', message.seen],
    ['name', message.name],
    ['kind', message.kind],
    ['want', message.want],
  ]);
  if (message.exporter) map.set('exporter', message.exporter);
  return map;
}

/** Every field but the share: what both sides must have heard the same for their keys to be the same. */
export function associated(message: PakeA): Uint8Array {
  return encode(pakeAFields(message));
}

export function encodePakeA(message: PakeA): Uint8Array {
  return encode(pakeAFields(message).set('ya', message.share));
}

export function decodePakeB(frame: Uint8Array): Uint8Array {
  const fields = new Fields(frame);
  const share = fields.bytes('yb', 32);
  fields.end();
  return share;
}

export function encodeConfirm(confirm: Confirm): Uint8Array {
  return encode(new Map([['mac', confirm.mac], ['sig', confirm.signature]]));
}

export function decodeConfirm(frame: Uint8Array): Confirm {
  const fields = new Fields(frame);
  const confirm = { mac: fields.bytes('mac', 32), signature: fields.bytes('sig', 64) };
  fields.end();
  return confirm;
}

export function encodeBox(sealed: Uint8Array): Uint8Array {
  return encode(new Map([['box', sealed]]));
}

export function decodeBox(frame: Uint8Array): Uint8Array {
  const fields = new Fields(frame);
  const sealed = fields.bytes('box');
  fields.end();
  return sealed;
}

export function decodeGrant(plain: Uint8Array): Grant {
  const fields = new Fields(plain);
  const grant: Grant = {
    deviceId: fields.text('device_id', MAX_PLACE_TEXT_BYTES),
    role: fields.text('role', MAX_ROLE_BYTES),
    realm: fields.text('realm', MAX_PLACE_TEXT_BYTES),
    hosts: fields.texts('hosts', MAX_HOSTS, MAX_HOST_BYTES),
    port: fields.number('port', 65535),
    path: fields.text('path', MAX_PLACE_TEXT_BYTES),
  };
  if (fields.has('expires')) grant.expires = fields.number('expires', Number.MAX_SAFE_INTEGER);
  fields.end();
  return grant;
}

/** What the device seals last. */
export function encodeDone(): Uint8Array {
  return encode(new Map([['ok', true]]));
}

export function encodeError(code: Code): Uint8Array {
  return encode(new Map([['code', code]]));
}

/** The code in a frame that ends the exchange; `null` when it is another frame. */
export function decodeError(frame: Uint8Array): Code | null {
  try {
    const fields = new Fields(frame);
    const code = fields.text('code', MAX_FRAME_BYTES);
    fields.end();
    return CODES.find((known) => known === code) ?? null;
  } catch {
    return null;
  }
}
