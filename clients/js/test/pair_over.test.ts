// Pairing over a real WebSocket with the desktop in Rust behind it, and with servers that do not keep to the protocol.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { WebSocket, WebSocketServer } from 'ws';
import { Identity } from '../src/identity.js';
import { parseLink } from '../src/link.js';
import { MAX_FRAME_BYTES, SUBPROTOCOL, encodeError } from '../src/messages.js';
import { type FrameSocket, type PairOptions, pairOver } from '../src/pair_over.js';
import { type Joined, PairingError, type Secret } from '../src/pairing.js';
import { Desktop } from './desktop.js';

const me = { identity: Identity.generate(), name: 'Pixel 9', kind: 'web', want: 'remote' } as const;
const stops: (() => void)[] = [];
after(() => stops.forEach((stop) => stop()));

async function listen(serve: (socket: WebSocket) => void): Promise<() => FrameSocket> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/pair', handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false) });
  server.on('connection', serve);
  await once(server, 'listening');
  stops.push(() => (server.clients.forEach((client) => client.terminate()), server.close()));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/pair`;
  return () => new WebSocket(url, SUBPROTOCOL) as unknown as FrameSocket;
}

/** A server as the daemon's: frames go to the machine and back, the owner says `answer`, `done` may not be stored. */
async function daemon(desktop: Desktop, { answer = 'allow' as string | null, isFull = false } = {}): Promise<() => FrameSocket> {
  return listen((socket) => {
    const step = async (line: string): Promise<void> => {
      const [word, ...rest] = await desktop.ask(line);
      if (word === 'store') {
        if (isFull) socket.send(encodeError('refused'));
        return socket.close(1000);
      }
      if (word === 'gone') return;
      socket.send(hexToBytes(rest[1] ?? rest[0]!));
      if (word === 'end') return socket.close(1000);
      if (word === 'ask' && answer) await step(answer);
    };
    let turn = step('connect plain');
    socket.on('message', (data: Buffer) => (turn = turn.then(() => step(`frame ${bytesToHex(new Uint8Array(data))}`))));
  });
}

async function start(seed: number): Promise<Desktop> {
  const desktop = await Desktop.start(seed);
  stops.push(() => desktop.stop());
  return desktop;
}

/** Pairs, and gives what the program was told in its order. */
async function pair(socket: FrameSocket, secret: Secret, store: (joined: Joined) => void = () => {}, times: PairOptions['times'] = {}) {
  const told: string[] = [];
  const result = await pairOver(socket, {
    secret,
    me,
    times,
    onWaiting: (desktop, fingerprint) => told.push(`${desktop} asks about ${fingerprint}`),
    store: (joined) => {
      told.push('store');
      store(joined);
    },
    forget: () => void told.push('forget'),
  }).catch((error: unknown) => error);
  return { told, result };
}

const failed = (result: unknown): string => (result instanceof PairingError ? result.code : String(result));

test('a device is paired over a socket, and has kept its record before the desktop stores it', async () => {
  const desktop = await start(101);
  const connect = await daemon(desktop);
  const { told, result } = await pair(connect(), { link: parseLink(desktop.ready.link)! });
  assert.deepEqual(told, [`Example desktop asks about ${me.identity.fingerprint}`, 'store']);
  assert.equal((result as Joined).did, desktop.ready.did);
});

test('a wrong code, a no and a closed window are what they are', async () => {
  const desktop = await start(102);
  const connect = await daemon(desktop, { answer: 'deny' });
  const wrong = { code: desktop.ready.code === '12345678' ? '12345679' : '12345678' };
  assert.equal(failed((await pair(connect(), wrong)).result), 'mismatch');
  assert.equal(failed((await pair(connect(), { code: desktop.ready.code })).result), 'refused');
  assert.equal(failed((await pair(connect(), { code: desktop.ready.code })).result), 'closed');
});

test('what the desktop could not store is forgotten', async () => {
  const desktop = await start(103);
  const connect = await daemon(desktop, { isFull: true });
  const { told, result } = await pair(connect(), { code: desktop.ready.code });
  assert.deepEqual([failed(result), told.slice(1)], ['refused', ['store', 'forget']]);
});

test('when the record cannot be kept, nobody is paired', async () => {
  const desktop = await start(104);
  const connect = await daemon(desktop);
  const full = () => {
    throw new Error('the disk is full');
  };
  const { told, result } = await pair(connect(), { code: desktop.ready.code }, full);
  assert.deepEqual([(result as Error).message, told.slice(1)], ['the disk is full', ['store']]);
  // The desktop was told, so that its owner is not left with a window that waits.
  assert.deepEqual((await desktop.ask('later 0')).slice(0, 1), ['now']);
});

test('an old link is not used', async () => {
  const desktop = await start(105);
  const connect = await daemon(desktop);
  const link = { ...parseLink(desktop.ready.link)!, expires: Math.floor(Date.now() / 1000) };
  assert.equal(failed((await pair(connect(), { link })).result), 'link_expired');
});

test('servers that hang up, flood, shout or talk are left', async () => {
  const servers: Record<string, [(socket: WebSocket) => void, string]> = {
    'hangs up': [(socket) => socket.close(1000), 'gone'],
    breaks: [(socket) => socket.terminate(), 'gone'],
    talks: [(socket) => socket.send('hello'), 'malformed'],
    shouts: [(socket) => socket.send(new Uint8Array(MAX_FRAME_BYTES + 1)), 'malformed'],
    floods: [(socket) => { for (let count = 0; count < 10; count++) socket.send(encodeError('busy')); }, 'busy'],
    'makes things up': [(socket) => socket.send(Uint8Array.of(0xa0)), 'malformed'],
  };
  for (const [what, [serve, code]] of Object.entries(servers)) {
    const connect = await listen(serve);
    assert.equal(failed((await pair(connect(), { code: '12345678' })).result), code, what);
  }
});

test('a server that says nothing is left after its time, and an owner who says nothing after his', async () => {
  const silent = await listen(() => {});
  assert.equal(failed((await pair(silent(), { code: '12345678' }, () => {}, { stepMs: 50 })).result), 'timeout');
  const desktop = await start(106);
  const connect = await daemon(desktop, { answer: null });
  const { told, result } = await pair(connect(), { code: desktop.ready.code }, () => {}, { approvalMs: 50 });
  assert.deepEqual([failed(result), told.length], ['timeout', 1]);
});
