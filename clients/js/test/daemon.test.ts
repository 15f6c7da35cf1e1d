// The whole way with a real deskconnd: paired over /pair, logged in inside Noise by a WAMP library, and somebody in between.
// Runs where DESKCONN_BINDIR names the programs; tests/js/run.sh does.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Wampy } from 'wampy';
import WebSocket from 'ws';
import { Identity } from '../src/identity.js';
import { parseCode, parseLink } from '../src/link.js';
import { SUBPROTOCOL } from '../src/messages.js';
import { type PlainSocketClass, noiseWebSocket } from '../src/noise_socket.js';
import { type FrameSocket, pairOver } from '../src/pair_over.js';
import { type Joined, PairingError, type Secret } from '../src/pairing.js';
import { BINARIES, Daemon, type Meddling, Middle } from './daemon_process.js';

const identity = Identity.generate();
const me = { identity, name: 'Pixel 9', kind: 'web', want: '' } as const;

/** A socket class that says it goes to the daemon, though somebody in between is what it reaches. */
function socketTo(daemon: Daemon): PlainSocketClass {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { headers: { Host: daemon.host } });
    }
  } as unknown as PlainSocketClass;
}

async function pair(daemon: Daemon, secret: Secret, port = daemon.port): Promise<Joined> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/pair`, SUBPROTOCOL, { headers: { Host: daemon.host } });
  return pairOver(socket as unknown as FrameSocket, { secret, me, store: () => {} });
}

/** Pairs by a code that the owner allows. */
async function paired(daemon: Daemon): Promise<Joined> {
  const window = await daemon.window(true);
  const [joined] = await Promise.all([pair(daemon, { code: parseCode(window.code)! }), window.question]);
  return joined;
}

/** A session of a WAMP library inside Noise, over this port. */
function session(daemon: Daemon, joined: Joined, port: number, onError: (error: unknown) => void = () => {}): Wampy {
  const login = { secret: identity.noiseSecret, desktop: { noise: joined.keys.noise, did: joined.did } };
  return new Wampy(`ws://127.0.0.1:${port}/ws`, {
    realm: joined.realm,
    ws: noiseWebSocket(login, socketTo(daemon)) as never,
    authid: joined.device_id,
    authmethods: ['cryptosign'],
    onChallenge: (_method, { challenge }) => identity.signChallenge(String(challenge)),
    autoReconnect: false,
    onError,
    onClose: () => onError(new Error('closed')),
  });
}

/** Turns the last bit of one chunk, and knows whether it came by. */
function turnBit(chunk: number): { cameBy: boolean; change: (bytes: Buffer, at: number) => Buffer } {
  const bit = {
    cameBy: false,
    change: (bytes: Buffer, at: number): Buffer => {
      if (at !== chunk) return bytes;
      bit.cameBy = true;
      const spoilt = Buffer.from(bytes);
      spoilt[spoilt.length - 1]! ^= 1;
      return spoilt;
    },
  };
  return bit;
}

/** Joins and calls through somebody in between; gives what the call came to. */
async function attempt(daemon: Daemon, joined: Joined, meddling: Meddling): Promise<{ answer: unknown; middle: Middle }> {
  const middle = await Middle.before(daemon.port, meddling);
  const broken = new Promise<Error>((resolve) => {
    const wampy = session(daemon, joined, middle.port, () => resolve(new Error('the session broke')));
    wampy
      .connect()
      .then(() => wampy.call('org.deskconn.info.get'))
      .then(({ argsList }) => (wampy.disconnect().catch(() => {}), resolve(argsList![0] as Error)))
      .catch(() => resolve(new Error('the session broke')));
  });
  const answer = await broken;
  middle.stop();
  return { answer, middle };
}

describe('with a real daemon', { skip: BINARIES === null && 'DESKCONN_BINDIR names no programs' }, () => {
  let daemon: Daemon;
  let joined: Joined;
  before(async () => {
    daemon = await Daemon.start();
    joined = await paired(daemon);
  });
  after(() => daemon.stop());

  test('a page is paired by its code, and its kind is shown', async () => {
    const window = await daemon.window(true);
    const [again, question] = await Promise.all([pair(daemon, { code: parseCode(window.code)! }), window.question]);
    assert.equal(question.fingerprint, identity.fingerprint);
    assert.deepEqual([question.name, question.kind, question.role], ['Pixel 9', 'web', 'remote']);
    assert.equal(again.device_id, joined.device_id, 'the same key is the same device');
    assert.deepEqual((await daemon.devices()).map(({ id, kind }) => [id, kind]), [[joined.device_id, 'web']]);
  });

  test('a page is paired by the link of the QR code', async () => {
    const window = await daemon.window(true);
    const link = parseLink(window.link)!;
    assert.equal(link.port, daemon.port);
    const [again] = await Promise.all([pair(daemon, { link }), window.question]);
    assert.equal(again.did, joined.did);
  });

  test('a wrong code gets nothing, and costs an attempt', async () => {
    const { code } = await daemon.call<{ code: string }>('org.deskconn.pairing.open');
    const wrong = String((Number(code.replace('-', '')) % 89_999_999) + 10_000_001).slice(0, 8);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await assert.rejects(pair(daemon, { code: parseCode(wrong)! }), (error: PairingError) => error.code === 'mismatch');
    }
    // The window is burned: there is no such place any more.
    await assert.rejects(pair(daemon, { code: parseCode(code)! }));
  });

  test('a WAMP library works inside Noise as it is', async () => {
    const wampy = session(daemon, joined, daemon.port);
    await wampy.connect();
    const { argsList } = await wampy.call('org.deskconn.info.get');
    const info = argsList![0] as { role: string; id: string };
    assert.equal(info.role, 'remote');
    assert.ok(joined.did.startsWith(info.id));
    await assert.rejects(wampy.call('org.deskconn.devices.list'));
    await wampy.disconnect();
  });

  test('whoever listens sees neither what is called nor who calls', async () => {
    const { answer, middle } = await attempt(daemon, joined, {});
    assert.equal((answer as { role: string }).role, 'remote');
    for (const word of ['org.deskconn', 'info.get', joined.device_id, 'wamp.2.json', identity.fingerprint]) {
      assert.ok(!middle.saw(word), word);
    }
    assert.ok(middle.saw('deskconn.noise.1'), 'he does see that it is there');
  });

  test('a bit that is changed on the way ends the session, and nothing false is believed', async () => {
    // Chunk 0 of each direction is the HTTP handshake, in clear; what counts comes after it.
    for (const way of ['up', 'down'] as const) {
      for (const chunk of [1, 2, 3]) {
        const bit = turnBit(chunk);
        const { answer } = await attempt(daemon, joined, { [way]: bit.change });
        assert.ok(bit.cameBy, `${way} ${chunk} came by`);
        assert.ok(answer instanceof Error, `${way} ${chunk}`);
      }
    }
  });

  test('a session that is recorded and sent again opens nothing', async () => {
    const sent: Buffer[] = [];
    await attempt(daemon, joined, { up: (bytes) => (sent.push(Buffer.from(bytes)), bytes) });
    const got: Buffer[] = [];
    const { connect } = await import('node:net');
    // Each chunk when something has come back for the last one: a hang-up would otherwise destroy what came before it.
    const [first, ...others] = sent;
    const socket = connect(daemon.port, '127.0.0.1', () => socket.write(first!));
    socket.on('data', (bytes: Buffer) => {
      got.push(bytes);
      const next = others.shift();
      if (next) socket.write(next);
    });
    // The daemon may hang up while there is still something to send.
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    const after = Buffer.concat(got);
    const body = after.subarray(after.indexOf('\r\n\r\n') + 4);
    // The answer to the handshake, which whoever has no key cannot use, and the end: no WELCOME, no result.
    assert.ok(after.includes('101 Switching Protocols'));
    assert.ok(body.length < 200, `${body.length} bytes came back`);
  });

  test('another desktop at the same address is not taken for the right one', async () => {
    const other = await Daemon.start();
    try {
      const login = { secret: identity.noiseSecret, desktop: { noise: joined.keys.noise, did: joined.did } };
      const socket = new (noiseWebSocket(login, socketTo(other)))(`ws://${other.host}/ws`, ['wamp.2.json']);
      const seen: string[] = [];
      for (const kind of ['open', 'message'] as const) socket.addEventListener(kind, () => seen.push(kind));
      await new Promise((resolve) => socket.addEventListener('close', resolve));
      assert.deepEqual(seen, [], 'it never opened');
    } finally {
      await other.stop();
    }
  });

  test('without Noise a page of the network gets nothing, even with the right key', async () => {
    const { connect } = await import('node:net');
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(daemon.port, '127.0.0.1', () =>
        socket.write(`GET /ws HTTP/1.1\r\nHost: ${daemon.host}\r\nOrigin: http://evil.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: deskconn.noise.1\r\n\r\n`),
      );
      socket.once('data', (bytes: Buffer) => (socket.destroy(), resolve(bytes.toString())));
      socket.on('error', () => {});
    });
    assert.match(answer, /^HTTP\/1\.1 403/);
  });

  test('who changes a message of the pairing is found out, and nobody is paired', async () => {
    const devices = (await daemon.devices()).length;
    const stranger = { ...me, identity: Identity.generate() };
    for (const [way, chunk] of [['down', 1], ['up', 1], ['down', 2], ['up', 2]] as const) {
      const window = await daemon.call<{ code: string }>('org.deskconn.pairing.open');
      const bit = turnBit(chunk);
      const middle = await Middle.before(daemon.port, { [way]: bit.change });
      const socket = new WebSocket(`ws://127.0.0.1:${middle.port}/pair`, SUBPROTOCOL, { headers: { Host: daemon.host } });
      const failed = pairOver(socket as unknown as FrameSocket, { secret: { code: parseCode(window.code)! }, me: stranger, store: () => {} });
      await assert.rejects(failed, `${way} ${chunk}`);
      assert.ok(bit.cameBy, `${way} ${chunk} came by`);
      middle.stop();
      await daemon.close();
    }
    assert.equal((await daemon.devices()).length, devices);
  });
});
