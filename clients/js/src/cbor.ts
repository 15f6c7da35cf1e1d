// The maps of the pairing protocol in CBOR (RFC 8949): text keys, few values, one encoding, which is the core
// deterministic one of section 4.2.1. Every other encoding is refused. It knows no message.

/** A value in a map. Numbers are unsigned integers up to 2^53 - 1. */
export type Item = null | boolean | number | Uint8Array | string | string[];
export type CborMap = Map<string, Item>;

/** The bytes are not a message. One error for everything, so that the other side learns nothing from it. */
export class Malformed extends Error {
  constructor() {
    super('the bytes are not a message of this protocol');
    this.name = 'Malformed';
  }
}

/** Entries of a map and texts of a list at most: twice as many as the largest message has. */
export const MAX_ENTRIES = 16;

const UNSIGNED = 0, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, SIMPLE = 7;
const FALSE = 20, TRUE = 21, NULL = 22;
const encoder = new TextEncoder();
// A byte order mark is part of the text; without this option it would vanish and give a second encoding.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function head(major: number, value: number): number[] {
  const type = major << 5;
  if (value < 24) return [type | value];
  if (value < 0x100) return [type | 24, value];
  if (value < 0x10000) return [type | 25, value >> 8, value & 0xff];
  if (value < 0x100000000) return [type | 26, value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
  const high = Math.floor(value / 0x100000000), low = value % 0x100000000;
  return [type | 27, ...[high, low].flatMap((half) => [half >>> 24, (half >>> 16) & 0xff, (half >>> 8) & 0xff, half & 0xff])];
}

function text(value: string): number[] {
  const bytes = encoder.encode(value);
  return [...head(TEXT, bytes.length), ...bytes];
}

function item(value: Item): number[] {
  if (value === null) return [(SIMPLE << 5) | NULL];
  if (typeof value === 'boolean') return [(SIMPLE << 5) | (value ? TRUE : FALSE)];
  if (typeof value === 'string') return text(value);
  if (value instanceof Uint8Array) return [...head(BYTES, value.length), ...value];
  if (Array.isArray(value)) return [...head(ARRAY, value.length), ...value.flatMap(text)];
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('only unsigned integers are written');
  return head(UNSIGNED, value);
}

function order(one: ArrayLike<number>, other: ArrayLike<number>): number {
  for (let at = 0; at < Math.min(one.length, other.length); at++) {
    const difference = one[at]! - other[at]!;
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

/** The one encoding of a map. */
export function encode(map: CborMap): Uint8Array {
  const entries = [...map].map(([key, value]): [number[], number[]] => [text(key), item(value)]);
  entries.sort(([one], [other]) => order(one, other));
  return Uint8Array.from([...head(MAP, entries.length), ...entries.flatMap(([key, value]) => [...key, ...value])]);
}

class Reader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Malformed();
    return byte;
  }

  head(): { major: number; value: number } {
    const first = this.byte();
    const major = first >> 5, short = first & 0x1f;
    if (major === SIMPLE || short < 24) {
      if (short > 23) throw new Malformed();
      return { major, value: short };
    }
    // 28 to 30 are not assigned, 31 is an indefinite length.
    if (short > 27) throw new Malformed();
    const width = 1 << (short - 24);
    let value = 0;
    for (let read = 0; read < width; read++) value = value * 256 + this.byte();
    const smallest = width === 1 ? 24 : 2 ** (width * 4);
    if (value < smallest || !Number.isSafeInteger(value)) throw new Malformed();
    return { major, value };
  }

  slice(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw new Malformed();
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }

  text(): string {
    const { major, value } = this.head();
    if (major !== TEXT) throw new Malformed();
    return this.utf8(value);
  }

  utf8(length: number): string {
    try {
      return decoder.decode(this.slice(length));
    } catch {
      throw new Malformed();
    }
  }

  item(): Item {
    const { major, value } = this.head();
    if (major === UNSIGNED) return value;
    if (major === BYTES) return this.slice(value);
    if (major === TEXT) return this.utf8(value);
    if (major === SIMPLE && value === NULL) return null;
    if (major === SIMPLE && (value === TRUE || value === FALSE)) return value === TRUE;
    if (major !== ARRAY || value > MAX_ENTRIES) throw new Malformed();
    return Array.from({ length: value }, () => this.text());
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new Malformed();
  }
}

/** Reads a map that is the whole of `bytes`, whose length the caller has bounded. */
export function decode(bytes: Uint8Array): CborMap {
  const reader = new Reader(bytes);
  const { major, value: count } = reader.head();
  if (major !== MAP || count > MAX_ENTRIES) throw new Malformed();
  const map: CborMap = new Map();
  let last: number[] = [];
  for (let read = 0; read < count; read++) {
    const key = reader.text();
    const encoded = text(key);
    if (order(last, encoded) >= 0) throw new Malformed();
    last = encoded;
    map.set(key, reader.item());
  }
  reader.end();
  return map;
}
