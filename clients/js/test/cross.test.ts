// The device in TypeScript with the desktop in Rust: right and wrong secrets, and frames that were touched on the way.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { type CborMap, type Item, decode, encode } from '../src/cbor.js';
import { Identity } from '../src/identity.js';
import { parseLink } from '../src/link.js';
import { type Introduction, Joiner, type Secret } from '../src/pairing.js';
import { Desktop, run } from './desktop.js';

const open: Desktop[] = [];
async function start(): Promise<Desktop> {
  const desktop = await Desktop.start(open.length + 1);
  open.push(desktop);
  return desktop;
}
before(start);
after(() => open.forEach((desktop) => desktop.stop()));

const introduction = (parts: Partial<Introduction> = {}): Introduction => ({ identity: Identity.generate(), name: 'Pixel 9', kind: 'android', want: 'remote', ...parts });
const sight = (desktop: Desktop) => ({ spki: hexToBytes(desktop.ready.spki) });
const code = (desktop: Desktop): Secret => ({ code: desktop.ready.code });
const wrong = (desktop: Desktop): Secret => ({ code: desktop.ready.code.replace(/.$/, (last) => String((Number(last) + 1) % 10)) });
const joiner = (desktop: Desktop, secret = code(desktop), me = introduction()) => new Joiner(secret, me, sight(desktop));

test('a hundred devices with the right code are let in, each under its own keys', async () => {
  const desktop = await start();
  for (let count = 0; count < 100; count++) {
    const me = introduction({ name: `Phone ${count}` });
    const end = await run(desktop, joiner(desktop, code(desktop), me));
    const [id, sign, noise] = end.stored!;
    assert.deepEqual([sign, noise], [bytesToHex(me.identity.signPublic), bytesToHex(me.identity.noisePublic)]);
    assert.equal(end.shown, end.asked, 'both screens show the same fingerprint');
    const { joined } = end.joined!;
    const { did, sign: desktopSign, noise: desktopNoise, spki } = desktop.ready;
    assert.deepEqual([joined.device_id, joined.did, joined.keys], [id, did, { sign: desktopSign, noise: desktopNoise, spki }]);
    assert.deepEqual([joined.hosts, joined.port, joined.path, joined.realm, joined.role], [['192.168.1.20', 'fd00::1'], 5020, '/ws', 'deskconn', 'remote']);
    await desktop.ask('open');
  }
});

test('the link of the QR code lets a device in, and a link to another desktop does not', async () => {
  const desktop = await start(), other = await start();
  const me = introduction({ kind: 'web', want: 'slides' });
  const end = await run(desktop, new Joiner({ link: parseLink(desktop.ready.link)! }, me), { channel: 'plain' });
  assert.equal(end.joined!.joined.role, 'slides');
  assert.equal(end.joined!.joined.keys.spki, desktop.ready.spki, 'the certificate comes with the pairing');
  const astray = await run(other, new Joiner({ link: parseLink(desktop.ready.link)! }, me), { channel: 'plain' });
  assert.deepEqual([astray.failure, astray.why], ['other_desktop', 'Left']);
});

test('three wrong codes close the window for the right one too', async () => {
  const desktop = await start();
  for (let attempt = 0; attempt < 3; attempt++) {
    const end = await run(desktop, joiner(desktop, wrong(desktop)));
    assert.deepEqual([end.why, end.failure, end.joined], ['WrongCode', 'mismatch', undefined]);
  }
  const end = await run(desktop, joiner(desktop));
  assert.deepEqual([end.why, end.failure], ['Closed', 'closed']);
});

test('a wrong link is a wrong code', async () => {
  const desktop = await start();
  const link = parseLink(desktop.ready.link)!;
  link.secret[0]! ^= 1;
  const end = await run(desktop, joiner(desktop, { link }));
  assert.deepEqual([end.why, end.failure], ['WrongCode', 'mismatch']);
});

test('a no, a closed window and a window that is over are told apart', async () => {
  const desktop = await start();
  const no = await run(desktop, joiner(desktop), { answer: 'deny' });
  assert.deepEqual([no.why, no.failure], ['Denied', 'refused']);
  assert.equal((await run(desktop, joiner(desktop))).failure, 'closed');
  await desktop.ask('open');
  await desktop.ask('later 180');
  assert.equal((await run(desktop, joiner(desktop))).failure, 'closed');
  await desktop.ask('open');
  const second = await run(desktop, joiner(desktop), { answer: 'allow media' });
  assert.equal(second.joined!.joined.role, 'media');
});

test('one at a time: a second device is told busy, and gets its turn when the first is gone', async () => {
  const desktop = await start();
  await desktop.ask('connect tls');
  assert.equal((await run(desktop, joiner(desktop))).failure, 'busy');
  await desktop.ask('hangup');
  assert.ok((await run(desktop, joiner(desktop))).stored);
});

test('every bit of every frame matters', async () => {
  const desktop = await start();
  const lengths: number[] = [];
  const me = introduction();
  const honest = await run(desktop, joiner(desktop, code(desktop), me), { change: (_, frame) => (lengths.push(frame.length), frame) });
  assert.ok(honest.stored);
  assert.equal(lengths.length, 7);
  for (const [number, length] of lengths.entries()) {
    // Every third byte, another bit each time: the Rust tests have them all.
    for (let place = number % 3; place < length; place += 3) {
      await desktop.ask('open');
      const flip = (at: number, frame: Uint8Array) => (at === number ? frame.map((byte, it) => (it === place ? byte ^ (1 << place % 8) : byte)) : frame);
      const end = await run(desktop, joiner(desktop, code(desktop), me), { change: flip });
      assert.equal(end.stored, undefined, `frame ${number}, byte ${place}`);
      assert.ok(end.failure && end.why, `frame ${number}, byte ${place}: a side did not notice`);
    }
  }
});

test('fields that are exchanged for others as good are noticed', async () => {
  const desktop = await start();
  const other = Identity.generate();
  const swap = (number: number, key: string, item: Item) => (at: number, frame: Uint8Array) => {
    if (at !== number) return frame;
    const map: CborMap = decode(frame);
    return encode(map.set(key, item));
  };
  const changes: [number, string, Item, string][] = [
    [0, 'v', 2, 'version'], [0, 'suite', 'CPACE-X25519-SHA512', 'version'], [0, 'did', other.noisePublic, 'bad_key'],
    [0, 'ds', other.signPublic, 'bad_key'], [0, 'dn', other.noisePublic, 'mismatch'], [0, 'dn', new Uint8Array(32), 'bad_key'],
    [0, 'spki', null, 'other_certificate'], [0, 'spki', other.noisePublic, 'other_certificate'], [0, 'sid', new Uint8Array(16), 'mismatch'],
    [0, 'name', 'Other', 'mismatch'], [0, 'extra', 1, 'malformed'],
    [1, 'cs', other.signPublic, 'mismatch'], [1, 'cn', other.noisePublic, 'mismatch'], [1, 'seen', null, 'mismatch'],
    [1, 'seen', other.noisePublic, 'mismatch'], [1, 'name', 'Other', 'mismatch'], [1, 'kind', 'cli', 'mismatch'], [1, 'want', 'full', 'mismatch'],
    [1, 'mode', 'qr', 'mismatch'], [1, 'ya', new Uint8Array(32), 'mismatch'], [1, 'exporter', other.noisePublic, 'mismatch'], [1, 'extra', 1, 'mismatch'],
    [2, 'yb', new Uint8Array(32), 'bad_key'], [2, 'yb', new Uint8Array(32).fill(255), 'bad_key'],
  ];
  for (const [number, key, item, failure] of changes) {
    await desktop.ask('open');
    const end = await run(desktop, joiner(desktop), { change: swap(number, key, item) });
    assert.deepEqual([end.stored, end.failure], [undefined, failure], `frame ${number}, ${key}`);
  }
});

test('a desktop that shows the keys of the device itself is refused', async () => {
  const desktop = await start();
  const me = introduction();
  for (const [key, own] of [['ds', me.identity.signPublic], ['dn', me.identity.noisePublic]] as const) {
    const end = await run(desktop, joiner(desktop, code(desktop), me), { change: (at, frame) => (at === 0 ? encode(decode(frame).set(key, own)) : frame) });
    assert.equal(end.failure, 'bad_key');
  }
});

test('a device that shows the keys of the desktop or somebody else is refused', async () => {
  const desktop = await start();
  const first = introduction();
  assert.ok((await run(desktop, joiner(desktop, code(desktop), first))).stored);
  await desktop.ask('open');
  const thief = introduction({ identity: new Identity(Identity.generate().signSeed, first.identity.noiseSecret) });
  assert.equal((await run(desktop, joiner(desktop, code(desktop), thief))).why, 'Trust');
  for (const [key, bytes] of [['cs', desktop.ready.sign], ['cn', desktop.ready.noise]] as const) {
    const end = await run(desktop, joiner(desktop), { change: (at, frame) => (at === 1 ? encode(decode(frame).set(key, hexToBytes(bytes))) : frame) });
    assert.equal(end.why, 'OwnKey');
  }
});

test('garbage never makes the device throw', () => {
  let seed = 1;
  const dice = (below: number) => (seed = (seed * 48271) % 0x7fffffff) % below;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: dice(200) }, () => dice(256));
    if (round % 2) bytes[0] = 0xa0 + dice(4);
    const machine = new Joiner({ code: '12345678' }, { identity: me, name: '', kind: 'lib', want: '' });
    assert.equal(machine.receive(bytes).step, 'failed');
  }
});
const me = Identity.generate();
