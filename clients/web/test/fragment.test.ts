import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLink } from '@deskconn/client';
import { encodeDesktops } from '../src/pure/desktops.js';
import { MAX_FRAGMENT_CHARS, isCarrying, linkText, readFragment } from '../src/pure/fragment.js';

const NOW = 1_800_000_000_000;
const PAYLOAD = '1.' + 'A'.repeat(48);
const DESKTOP = { id: '0123456789abcdef', name: 'Study', host: '192.168.1.5', port: 5020, paired: true, seenAt: NOW };

test('a pairing link is found, alone and beside a list', () => {
  assert.equal(readFragment(`#p=${PAYLOAD}`, NOW).pair, PAYLOAD);
  const both = readFragment(`#d=1.${encodeDesktops([DESKTOP])}&p=${PAYLOAD}`, NOW);
  assert.equal(both.pair, PAYLOAD);
  assert.deepEqual(both.desktops, [DESKTOP]);
});

test('the link of the QR code is whole again for every kind of host', () => {
  for (const host of ['192.168.1.5', 'deskconn-0a1b2c3d.local', 'fd00::1']) {
    assert.equal(parseLink(linkText({ host, port: 5020 }, PAYLOAD))?.host, host);
  }
  assert.equal(parseLink(linkText({ host: '192.168.1.5', port: 5020 }, '1.short')), null);
});

test('a screen is named by its route, and nothing else is one', () => {
  assert.equal(readFragment('#/slides', NOW).route, 'slides');
  for (const hash of ['', '#', '#slides', '#/', '#/a/b', '#/<b>', '#/' + 'a'.repeat(33)]) assert.equal(readFragment(hash, NOW).route, '', hash);
});

test('what must leave the address bar is told from a screen', () => {
  assert.deepEqual([`#p=${PAYLOAD}`, '#d=1.W10', '#/slides', ''].map(isCarrying), [true, true, false, false]);
});

test('a fragment that is too long is not read at all', () => {
  const hash = (length: number): string => `#p=${PAYLOAD}&`.padEnd(length + 1, 'x');
  assert.equal(readFragment(hash(MAX_FRAGMENT_CHARS), NOW).pair, PAYLOAD);
  assert.equal(readFragment(hash(MAX_FRAGMENT_CHARS + 1), NOW).pair, null);
});
