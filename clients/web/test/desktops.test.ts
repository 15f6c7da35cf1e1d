import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KnownDesktop, MAX_DESKTOPS, MAX_LIST_CHARS, decodeDesktops, encodeDesktops, merge, readDesktop, readDesktops } from '../src/pure/desktops.js';
import { MAX_NAME_CHARS } from '@deskconn/client';

const NOW = 1_800_000_000_000;
const desktop = (change: Partial<Record<keyof KnownDesktop, unknown>> = {}): KnownDesktop =>
  ({ id: '0123456789abcdef', name: 'Study', host: '192.168.1.5', port: 5020, paired: true, seenAt: NOW - 1000, ...change }) as KnownDesktop;

test('a list goes through a fragment and comes out the same', () => {
  const list = [desktop({ name: 'Küche 🏠' }), desktop({ id: 'fedcba9876543210', host: 'deskconn-fedcba98.local' })];
  const text = encodeDesktops(list);
  assert.match(text, /^[0-9A-Za-z_-]+$/);
  assert.deepEqual(decodeDesktops(text, NOW), list);
});

test('what is not a desktop is left out', () => {
  const wrong: Partial<Record<keyof KnownDesktop, unknown>>[] = [
    { id: '0123' }, { id: 5 }, { id: '0123456789ABCDEF' }, { host: 'evil.example' }, { host: '8.8.8.8' }, { host: null }, { port: 0 }, { port: 65536 }, { port: '5020' },
  ];
  for (const change of wrong) assert.equal(readDesktop(desktop(change), NOW), null, JSON.stringify(change));
  assert.deepEqual(readDesktops([null, 5, 'x', [], {}, desktop()], NOW), [desktop()]);
  for (const value of [null, {}, 'x', 7]) assert.deepEqual(readDesktops(value, NOW), []);
});

test('names are cleaned and cut, and one that is nothing is the address', () => {
  assert.equal(readDesktop(desktop({ name: 'a\u202Eb\nc' }), NOW)?.name, 'abc');
  assert.equal(readDesktop(desktop({ name: 'x'.repeat(MAX_NAME_CHARS) }), NOW)?.name.length, MAX_NAME_CHARS);
  assert.equal(readDesktop(desktop({ name: 'x'.repeat(MAX_NAME_CHARS + 1) }), NOW)?.name.length, MAX_NAME_CHARS);
  for (const name of ['', '\u200B', 5, undefined]) assert.equal(readDesktop(desktop({ name }), NOW)?.name, '192.168.1.5');
});

test('nobody was seen in the future, which would keep them for ever', () => {
  assert.equal(readDesktop(desktop({ seenAt: NOW + 1 }), NOW)?.seenAt, 0);
  assert.equal(readDesktop(desktop({ seenAt: 'soon' }), NOW)?.seenAt, 0);
});

test('as many are kept as there may be, those seen last', () => {
  const many = Array.from({ length: MAX_DESKTOPS + 1 }, (_, index) => desktop({ id: index.toString(16).padStart(16, '0'), seenAt: index }));
  const kept = merge(many.slice(0, MAX_DESKTOPS), many.slice(MAX_DESKTOPS));
  assert.equal(kept.length, MAX_DESKTOPS);
  assert.equal(kept.some(({ seenAt }) => seenAt === 0), false);
});

test('older news does not replace what is known', () => {
  const known = desktop({ host: '192.168.1.9', seenAt: NOW });
  assert.deepEqual(merge([known], [desktop({ seenAt: NOW - 5 })]), [known]);
  assert.deepEqual(merge([desktop({ seenAt: NOW - 5 })], [known]), [known]);
});

test('a fragment that is no list is none', () => {
  for (const text of ['', '!', 'AAAA', '====', encodeDesktops([]).slice(1)]) assert.deepEqual(decodeDesktops(text, NOW), []);
});

test('a full list of the longest entries fits, and a longer text is not read', () => {
  const full = Array.from({ length: MAX_DESKTOPS }, (_, index) =>
    desktop({ id: index.toString(16).padStart(16, '0'), name: 'é'.repeat(MAX_NAME_CHARS), host: `deskconn-0a1b2c3${index.toString(16)}.local`, seenAt: NOW - index }));
  assert.equal(decodeDesktops(encodeDesktops(full), NOW).length, MAX_DESKTOPS);
  const padded = encodeDesktops([desktop({ name: 'x'.repeat(MAX_LIST_CHARS) })]);
  assert.ok(padded.length > MAX_LIST_CHARS);
  assert.deepEqual(decodeDesktops(padded, NOW), []);
});
