import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestHost, hostOf, isLoopback, isNearby, pageOf, placeOf } from '../src/pure/addresses.js';

test('only hosts of private networks, this computer and mDNS are gone to', () => {
  const near = ['10.0.0.1', '172.16.0.1', '172.31.255.254', '192.168.1.5', '169.254.3.4', '127.0.0.1', 'localhost', 'deskconn-0a1b2c3d.local', '::1', 'fd00::1', 'fe80::1'];
  for (const host of near) assert.equal(isNearby(host), true, host);
  const far = ['8.8.8.8', '172.32.0.1', '192.169.1.1', '100.64.0.1', 'example.org', 'local', '.local', 'a..local', 'evil.com/.local', '2001:db8::1', 'ff02::1', ':', 'fd00:::1', ''];
  for (const host of far) assert.equal(isNearby(host), false, host);
});

test('addresses that only browsers understand are no addresses', () => {
  for (const host of ['127.1', '0x7f.0.0.1', '192.168.1', '192.168.01.5', '192.168.1.256', '3232235777', '192.168.1.5.', '192.168.1.5@evil.com']) {
    assert.equal(isNearby(host), false, host);
  }
});

test('the longest name is taken and a longer one is not', () => {
  const name = (length: number): string => `${'a.'.repeat(200)}`.slice(0, length - 'x.local'.length).replace(/.$/, '.') + 'x.local';
  assert.equal(isNearby(name(253)), true);
  assert.equal(isNearby(name(255)), false);
});

test('a page has a whole port, and IPv6 its brackets', () => {
  assert.equal(pageOf('192.168.1.5', 5020), 'http://192.168.1.5:5020/');
  assert.equal(pageOf('fd00::1', 5020), 'http://[fd00::1]:5020/');
  for (const port of [0, 65536, 1.5, NaN]) assert.equal(pageOf('192.168.1.5', port), null);
  assert.equal(pageOf('example.org', 5020), null);
});

test('the place of the page is told without the brackets and with the port that browsers leave out', () => {
  assert.deepEqual(placeOf({ hostname: '[fd00::1]', port: '5020' }), { host: 'fd00::1', port: 5020 });
  assert.deepEqual(placeOf({ hostname: 'desk.local', port: '', protocol: 'http:' }), { host: 'desk.local', port: 80 });
});

test('from a page that has a name the name is gone to, else an address', () => {
  const hosts = ['fd00::1', 'deskconn-0a1b2c3d.local', '192.168.1.7', '8.8.8.8'];
  assert.equal(bestHost(hosts, 'deskconn-99999999.local'), 'deskconn-0a1b2c3d.local');
  assert.equal(bestHost(hosts, '192.168.1.5'), '192.168.1.7');
  assert.equal(bestHost(['8.8.8.8'], '192.168.1.5'), null);
});

test('this computer is told from others', () => {
  assert.deepEqual(['127.0.0.1', '127.8.8.8', 'localhost', '::1', '192.168.1.5', 'a.local'].map(isLoopback), [true, true, true, true, false, false]);
});

test('what the desktop tells of addresses has a port, which is not a part of the host', () => {
  const pairs = [['10.0.0.3:5020', '10.0.0.3'], ['10.0.0.3', '10.0.0.3'], ['[fe80::1]:5020', 'fe80::1'], ['[fe80::1]', 'fe80::1'], ['fe80::1', 'fe80::1'], ['a.local:5020', 'a.local'], ['a.local', 'a.local']];
  for (const [told, host] of pairs) assert.equal(hostOf(told!), host);
});
