import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../src/pure/failures.js';
import { guessName } from '../src/pure/guess_name.js';
import { covers, inWords, needsConsent, readGrants } from '../src/pure/rights.js';
import { readSettings, USUAL } from '../src/pure/settings.js';
import { bytes, sentence, span } from '../src/pure/text.js';
import { webAddress } from '../src/pure/web_address.js';

const CODES = ['closed', 'busy', 'expired', 'refused', 'mismatch', 'version', 'malformed', 'other_desktop', 'other_certificate', 'bad_key', 'wrong_code', 'bad_signature', 'link_expired', 'gone', 'timeout', 'unreachable'];

test('every way a pairing fails is explained with what to do, and the unknown like a broken connection', () => {
  for (const code of CODES) {
    const { title, next } = explain(code);
    assert.ok(title.length > 5 && /[.]$/.test(next), code);
    if (code !== 'gone') assert.notEqual(explain(code), explain('gone'), code);
  }
  assert.equal(explain('toString'), explain('gone'));
});

test('after a wrong code or a refusal the same one is not offered again', () => {
  assert.deepEqual(['wrong_code', 'mismatch', 'refused', 'link_expired', 'busy', 'unreachable'].map((code) => explain(code).again), ['new', 'new', 'new', 'new', 'same', 'same']);
});

test('phones are called as they call themselves', () => {
  const chrome = (model: string): string => `Mozilla/5.0 (Linux; Android 15; ${model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36`;
  const names: [string, string][] = [
    [chrome('Pixel 9'), 'Pixel 9'],
    [chrome('SM-S921B Build/UP1A.231005.007'), 'SM-S921B'],
    [chrome('K'), 'Android phone'],
    ['Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0', 'Android phone'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1', 'iPhone'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0', 'Edge on Windows'],
    ['', 'Phone'],
  ];
  for (const [userAgent, name] of names) assert.equal(guessName({ userAgent }), name);
  const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15';
  assert.equal(guessName({ userAgent: mac, maxTouchPoints: 5 }), 'iPad');
  assert.equal(guessName({ userAgent: mac, maxTouchPoints: 0 }), 'Safari on a Mac');
});

test('grants cover what their pattern says', () => {
  assert.equal(covers({ uri: 'org.deskconn.screen.', match: 'prefix' }, 'org.deskconn.screen.lock'), true);
  assert.equal(covers({ uri: 'org.deskconn.screen', match: 'exact' }, 'org.deskconn.screen.lock'), false);
  assert.equal(covers({ uri: 'org.deskconn..lock', match: 'wildcard' }, 'org.deskconn.screen.lock'), true);
  assert.equal(covers({ uri: 'org.deskconn..lock', match: 'wildcard' }, 'org.deskconn.screen.on.lock'), false);
});

test('a call waits for consent where its grant says so and holds', () => {
  const grant = (change: object): ReturnType<typeof readGrants> => readGrants([{ uri: 'org.deskconn.screen.unlock', match: 'exact', allow: ['call'], confirm: true, holds: true, ...change }]);
  assert.equal(needsConsent(grant({}), 'org.deskconn.screen.unlock'), true);
  assert.equal(needsConsent(grant({}), 'org.deskconn.screen.lock'), false);
  assert.equal(needsConsent(grant({ confirm: false }), 'org.deskconn.screen.unlock'), false);
  assert.equal(needsConsent(grant({ holds: false }), 'org.deskconn.screen.unlock'), false);
  assert.equal(needsConsent(grant({ by_role: true }), 'org.deskconn.screen.unlock'), false);
  assert.equal(needsConsent(grant({ allow: ['subscribe'] }), 'org.deskconn.screen.unlock'), false);
});

test('grants are said in words, and what is no grant is left out', () => {
  const [grant, ...others] = readGrants([{ uri: 'a.b.', match: 'prefix', allow: ['call', 'subscribe'], until: 'T', confirm: true, while_unlocked: true }, null, 5, {}]);
  assert.equal(others.length, 0);
  assert.equal(inWords(grant!, (time) => `<${time}>`), 'Use, follow everything that begins with a.b. — until <T>; somebody at the desktop says yes each time; only while the screen is unlocked');
  assert.deepEqual(readGrants('x'), []);
});

test('settings that make no sense are as usual', () => {
  for (const value of [null, 5, 'x', []]) assert.deepEqual(readSettings(value), USUAL);
  assert.deepEqual(readSettings({ name: 5, hand: 'foot', minutes: -1, nudges: ['x'], haptic: 'yes' }), USUAL);
  const mine = { name: 'Mine', hand: 'left' as const, minutes: 20, nudges: [3], haptic: false };
  assert.deepEqual(readSettings(JSON.parse(JSON.stringify(mine))), mine);
});

test('pages of the web are opened, and nothing else', () => {
  assert.equal(webAddress(' example.org/a?b '), 'https://example.org/a?b');
  assert.equal(webAddress('http://localhost:8080/x'), 'http://localhost:8080/x');
  for (const typed of ['', 'word', 'two words', 'javascript:alert(1)', 'file:///etc/passwd', 'ftp://example.org', 'mailto:a@example.org', 'https://']) assert.equal(webAddress(typed), null, typed);
  const long = (length: number): string => 'https://example.org/'.padEnd(length, 'x');
  assert.equal(webAddress(long(8000)), long(8000));
  assert.equal(webAddress(long(8001)), null);
});

test('numbers and spans are written for people', () => {
  assert.deepEqual([0, 999, 1000, 12_345_678, 999_999_999_999].map(bytes), ['0 B', '999 B', '1.0 kB', '12.3 MB', '1000 GB']);
  assert.deepEqual([5, 59, 60, 3600, 3660, 86_400, 93_600].map(span), ['5 s', '59 s', '1 min', '1 h', '1 h 1 min', '1 d', '1 d 2 h']);
  assert.deepEqual([sentence('it failed'), sentence('Done.'), sentence('')], ['It failed.', 'Done.', '']);
});
