// The codec: one encoding is written, and no other is read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToHex as hex, hexToBytes as bytes } from '@noble/hashes/utils.js';
import { type CborMap, type Item, MAX_ENTRIES, Malformed, decode, encode } from '../src/cbor.js';

test('a map is written in the one order and read again', () => {
  const map: CborMap = new Map<string, Item>([['name', 'é'], ['v', 1], ['dn', Uint8Array.of(1, 2)], ['hosts', ['a', 'b']], ['ds', null], ['ok', true]]);
  const encoded = encode(map);
  assert.equal(hex(encoded), 'a661760162646e420102626473f6626f6bf5646e616d6562c3a965686f7374738261616162');
  assert.deepEqual(decode(encoded), new Map([...map].sort(([one], [other]) => one.length - other.length || (one < other ? -1 : 1))));
});

test('numbers and lengths have their shortest form at each step', () => {
  for (const number of [0, 23, 24, 255, 256, 65535, 65536, 0xffffffff, 0x100000000, Number.MAX_SAFE_INTEGER]) {
    assert.equal(decode(encode(new Map([['n', number]]))).get('n'), number);
  }
  for (const length of [0, 23, 24, 255, 256, 4000]) {
    assert.equal(decode(encode(new Map([['t', 'x'.repeat(length)]]))).get('t'), 'x'.repeat(length));
  }
  assert.throws(() => encode(new Map([['n', -1]])), RangeError);
  assert.throws(() => encode(new Map([['n', 0.5]])), RangeError);
});

test('a byte order mark is text', () => {
  const frame = encode(new Map([['t', '\uFEFFx']]));
  assert.equal(decode(frame).get('t'), '\uFEFFx');
});

test('only the one encoding is read', () => {
  assert.ok(decode(bytes('a2617601626f6bf5')));
  const bad = {
    '': 'nothing', '80': 'no map', 'a2626f6bf5617601': 'keys in another order', 'a2617601617601': 'a key twice',
    'a2617601617602': 'a key twice with another value', 'bf617601626f6bf5ff': 'an indefinite length',
    'a261761801626f6bf5': 'a number longer than it need be', 'a278017601626f6bf5': 'a length longer than it need be',
    'b802617601626f6bf5': 'a count longer than it need be', 'a2617601626f6bf500': 'a byte behind the end',
    'a2617601626f6b': 'an end too early', 'a3617601626f6bf5': 'an entry too few', 'a1617601626f6bf5': 'an entry too many',
    'a10101': 'a key that is no text', 'a1417601': 'a key of bytes', 'a16176f7': 'undefined', 'a16176f93c00': 'a float',
    'a16176f820': 'a simple value', 'a1617620': 'a negative number', 'a16176c101': 'a tag', 'a16176a0': 'a map in it', 'a161768101': 'a list of numbers',
    'a161769fff': 'a list of indefinite length', 'a161765f4101ff': 'bytes of indefinite length',
    'a161767f6161ff': 'text of indefinite length', 'a1617661ff': 'text that is not UTF-8', 'a161761c': 'a length that is not assigned',
    'a161765b7fffffffffffffff00': 'bytes of 2^63', 'bb7fffffffffffffff': 'entries of 2^63', 'a161769b7fffffffffffffff': 'texts of 2^63',
    'a161761b0020000000000000': 'a number of 2^53',
  };
  for (const [text, why] of Object.entries(bad)) assert.throws(() => decode(bytes(text)), Malformed, why);
});

test('entries and texts are read to their limit and not past it', () => {
  const map = (count: number) => encode(new Map(Array.from({ length: count }, (_, at) => [`k${at}`, null] as const)));
  assert.ok(decode(map(MAX_ENTRIES)));
  assert.throws(() => decode(map(MAX_ENTRIES + 1)), Malformed);
  const texts = (count: number) => encode(new Map([['t', new Array<string>(count).fill('x')]]));
  assert.ok(decode(texts(MAX_ENTRIES)));
  assert.throws(() => decode(texts(MAX_ENTRIES + 1)), Malformed);
});
