// WAMP inside Noise over real sockets: what a WAMP library sees, and what somebody in between brings about.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { x25519 } from '@noble/curves/ed25519.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { Wampy } from 'wampy';
import { CborSerializer } from 'wampy/CborSerializer.js';
import { JsonSerializer } from 'wampy/JsonSerializer.js';
import WebSocket from 'ws';
import { CLOSE_NOISE_FAILED, type NoiseSocket, type PlainSocketClass, noiseWebSocket } from '../src/noise_socket.js';
import { DESKTOP, DESKTOP_SECRET, DEVICE_SECRET, type Guest, type ServerOptions, serve } from './noise_server.js';

const Plain = WebSocket as unknown as PlainSocketClass;
const login = { secret: DEVICE_SECRET, desktop: { noise: bytesToHex(DESKTOP.noise), did: bytesToHex(DESKTOP.did) } };

function events(socket: NoiseSocket) {
  const seen: string[] = [];
  const closed = new Promise<{ code: number; reason: string }>((resolve) => socket.addEventListener('close', resolve));
  const opened = new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()));
  for (const kind of ['open', 'message', 'error', 'close'] as const) socket.addEventListener(kind, () => seen.push(kind));
  return { seen, closed, opened };
}

/** Connects to a server that a test has spoiled, and gives how the connection ended. */
async function ends(options: ServerOptions, own: Partial<typeof login> & { maxMessageBytes?: number } = {}) {
  const server = await serve(options);
  const socket = new (noiseWebSocket({ ...login, ...own }, Plain))(server.url, ['wamp.2.json']);
  const { seen, closed } = events(socket);
  const { code, reason } = await closed;
  await server.stop();
  return { seen, code, reason, state: socket.readyState };
}

test('messages of all lengths go both ways, and the desktop knows who it is', async () => {
  let met: (guest: Guest) => void;
  const meeting = new Promise<Guest>((resolve) => (met = resolve));
  const server = await serve({ onGuest: (guest) => met(guest), choose: () => 'wamp.2.cbor' });
  const socket = new (noiseWebSocket(login, Plain))(server.url, ['wamp.2.json', 'wamp.2.cbor']);
  const { opened } = events(socket);
  assert.throws(() => socket.send('too early'), /not open/);
  const guest = await meeting;
  await opened;
  assert.equal(socket.protocol, 'wamp.2.cbor');
  assert.equal(guest.offered, 'wamp.2.json,wamp.2.cbor');
  assert.deepEqual(guest.initiator, x25519.getPublicKey(DEVICE_SECRET));
  for (const length of [0, 1, 1000, 65518, 65519, 300_000]) {
    const message = Uint8Array.from({ length }, (_, at) => at * 7);
    const echoed = new Promise<ArrayBuffer>((resolve) => (socket.onmessage = (event) => resolve(event.data)));
    socket.send(length % 2 ? message : message.slice().buffer);
    const there = await guest.next();
    assert.deepEqual(there, message);
    guest.send(there);
    assert.deepEqual(new Uint8Array(await echoed), message);
  }
  const { closed } = events(socket);
  socket.close(1000, 'done');
  assert.equal((await closed).code, 1000);
  socket.send('after the end goes nowhere');
  await server.stop();
});

for (const [protocol, Serializer] of [['wamp.2.json', JsonSerializer], ['wamp.2.cbor', CborSerializer]] as const) {
  test(`wampy runs over it as it is, in ${protocol}`, async () => {
    const serializer = new Serializer();
    const server = await serve({
      // The router of this test: it welcomes, doubles numbers and says goodbye.
      onGuest: async (guest) => {
        for (;;) {
          const bytes = await guest.next();
          const message = (await serializer.decode(protocol.endsWith('json') ? new TextDecoder().decode(bytes) : bytes.slice().buffer as any)) as any[];
          const answer = (reply: unknown): void => {
            const out = serializer.encode(reply);
            guest.send(typeof out === 'string' ? utf8ToBytes(out) : new Uint8Array(out as unknown as ArrayBuffer));
          };
          if (message[0] === 1) answer([2, 7, { roles: { broker: {}, dealer: {} } }]);
          if (message[0] === 48) answer([50, message[1], {}, [message[4][0] * 2]]);
          if (message[0] === 6) return answer([6, {}, 'wamp.close.goodbye_and_out']);
        }
      },
    });
    const wampy = new Wampy(server.url, { realm: 'deskconn', ws: noiseWebSocket(login, Plain) as never, serializer, autoReconnect: false });
    await wampy.connect();
    for (const number of [1, 21, 1000]) {
      assert.deepEqual((await wampy.call('org.deskconn.test.double', [number])).argsList, [number * 2]);
    }
    await wampy.disconnect();
    await server.stop();
  });
}

test('another desktop, and a device that has another pin, never open', async () => {
  const other = await ends({ secret: new Uint8Array(32).fill(9) });
  assert.deepEqual(other.seen, ['close']);
  const pinned = await ends({}, { desktop: { ...login.desktop, did: '00'.repeat(32) } });
  assert.deepEqual([pinned.seen, pinned.code], [['close'], 1008]);
});

test('a server without the subprotocol is not spoken to', async () => {
  for (const subprotocol of ['wamp.2.json', false] as const) {
    const end = await ends({ subprotocol });
    assert.ok(!end.seen.includes('open'), `${subprotocol}`);
    assert.ok(end.seen.includes('error') && end.state === 3);
  }
});

test('an answer that was changed, replaced or made up never opens', async () => {
  const spoilt: Record<string, ServerOptions> = {
    changed: { change: (message) => message.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) },
    cut: { change: (message) => message.subarray(0, -1) },
    text: { change: () => 'wamp.2.json' },
    'not offered': { choose: () => 'wamp.2.msgpack' },
    'replaced by another desktop': { change: () => x25519.getPublicKey(DESKTOP_SECRET) },
  };
  for (const [what, options] of Object.entries(spoilt)) {
    const end = await ends(options);
    assert.deepEqual([end.seen, end.code, end.state], [['error', 'close'], CLOSE_NOISE_FAILED, 3], what);
  }
});

test('a session ends at the first message that is not as it was sent, and nothing false is delivered', async () => {
  const sealed = (guest: Guest) => guest.session.encrypt(utf8ToBytes('\0["good"]'));
  const spoilt: Record<string, (guest: Guest) => (Uint8Array | string)[]> = {
    changed: (guest) => [sealed(guest).map((byte, at) => (at === 3 ? byte ^ 1 : byte))],
    cut: (guest) => [sealed(guest).subarray(0, 5)],
    dropped: (guest) => [sealed(guest), sealed(guest)].slice(1),
    'in clear': () => ['["false"]'],
    'with a flag that is none': (guest) => [guest.session.encrypt(Uint8Array.of(7, 1))],
    'not UTF-8': (guest) => [guest.session.encrypt(Uint8Array.of(0, 0xff))],
    'longer than its bound': (guest) => [guest.session.encrypt(Uint8Array.of(1, ...new Uint8Array(60))), guest.session.encrypt(Uint8Array.of(0, ...new Uint8Array(41)))],
  };
  for (const [what, frames] of Object.entries(spoilt)) {
    // What follows is good, and comes too late.
    const end = await ends({ onGuest: (guest) => [...frames(guest), sealed(guest)].forEach((frame) => guest.socket.send(frame)) }, { maxMessageBytes: 100 });
    assert.deepEqual([end.seen, end.code], [['open', 'error', 'close'], CLOSE_NOISE_FAILED], what);
  }
});

test('a repeated message ends the session after the first was delivered', async () => {
  const end = await ends({
    onGuest: (guest) => {
      const frame = guest.session.encrypt(utf8ToBytes('\0["once"]'));
      guest.socket.send(frame);
      guest.socket.send(frame);
    },
  });
  assert.deepEqual(end.seen, ['open', 'message', 'error', 'close']);
});

test('a login without keys of 32 bytes or without an offer is refused at once', () => {
  const bad = { ...login, desktop: { noise: '00', did: login.desktop.did } };
  assert.throws(() => new (noiseWebSocket(bad, Plain))('ws://127.0.0.1:1/', ['wamp.2.json']), RangeError);
  assert.throws(() => new (noiseWebSocket(login, Plain))('ws://127.0.0.1:1/', []), SyntaxError);
  assert.throws(() => new (noiseWebSocket(login, Plain))('ws://127.0.0.1:1/', ['a,b']), SyntaxError);
});
