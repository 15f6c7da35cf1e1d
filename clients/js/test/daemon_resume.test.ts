// Sessions that survive their connection, with a real deskconnd and somebody in between who cuts it.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Wampy } from 'wampy';
import WebSocket from 'ws';
import { type CallFailed, Desktop, type DesktopOptions, LOST, type Membership, type PlainSocketClass, type Status, pairWith, parseCode } from '../src/index.js';
import { identityOf, loginOf } from '../src/membership.js';
import { noiseWebSocket } from '../src/noise_socket.js';
import { BINARIES, Daemon, type Meddling, Middle } from './daemon_process.js';

const Plain = WebSocket as unknown as PlainSocketClass;
const PATIENCE_MS = 20_000;
const OURS = 'org.deskconn.app.test';

function becomes<At extends Status['at']>(desktop: Desktop, state: At): Promise<Status & { at: At }> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`it did not become ${state}: ${JSON.stringify(desktop.status)}`)), PATIENCE_MS);
    desktop.onStatus((status) => {
      if (status.at !== state) return;
      clearTimeout(late);
      resolve(status as Status & { at: At });
    });
  });
}

/** Settles when something was told so often. */
function times(count: number): { tell: () => void; told: Promise<void> } {
  let tell = (): void => {};
  const told = new Promise<void>((resolve) => { tell = () => --count <= 0 && resolve(); });
  return { tell, told };
}

describe('a session over connections that are cut', { skip: BINARIES === null && 'DESKCONN_BINDIR names no programs' }, () => {
  let daemon: Daemon;
  const open: Desktop[] = [];
  const middles: Middle[] = [];

  async function paired(role: string): Promise<Membership> {
    const window = await daemon.window(true, `role=${role}`);
    const request = { secret: { code: parseCode(window.code)! }, name: 'a phone', kind: 'lib' as const, keep: () => {}, WebSocket: Plain };
    const [membership] = await Promise.all([pairWith({ host: '127.0.0.1', port: daemon.port }, request), window.question]);
    return membership;
  }
  /** A device, and somebody between it and the daemon. */
  async function phone(member: Membership, meddling: Meddling = {}, options: DesktopOptions = {}): Promise<{ desk: Desktop; middle: Middle }> {
    const middle = await Middle.before(daemon.port, meddling);
    const host = daemon.host;
    class Detour extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers: { Host: host } });
      }
    }
    const desk = new Desktop(member, { address: { host: '127.0.0.1', port: middle.port }, WebSocket: Detour as unknown as PlainSocketClass, ...options });
    // What it says last goes through before the ways are closed.
    open.push(desk);
    middles.push(middle);
    await becomes(desk, 'open');
    return { desk, middle };
  }
  /** A device whose connection nobody touches. */
  async function other(member: Membership): Promise<Desktop> {
    const desk = new Desktop(member, { address: { host: '127.0.0.1', port: daemon.port }, WebSocket: Plain });
    open.push(desk);
    await becomes(desk, 'open');
    return desk;
  }

  before(async () => { daemon = await Daemon.start(); });
  afterEach(() => open.splice(0).forEach((it) => it.close()));
  after(async () => {
    middles.forEach((it) => it.stop());
    await daemon.stop();
  });

  test('goes on with a call, with what it offers and with what it hears, as if nothing had been', async () => {
    const [mine, theirs] = [await paired('bus'), await paired('bus')];
    const { desk, middle } = await phone(mine);
    const far = await other(theirs);
    const heard: unknown[] = [];
    const { tell, told } = times(3);
    desk.subscribe(`${OURS}.news`, ({ args }) => (heard.push(args[0]), tell()));
    const served = times(1);
    let serve = (_: unknown): void => {};
    desk.register(`${OURS}.mine`, () => new Promise((resolve) => { serve = resolve; served.tell(); }));
    let answer = (_: unknown): void => {};
    const asked = times(1);
    far.register(`${OURS}.theirs`, () => new Promise((resolve) => { answer = resolve; asked.tell(); }));
    // A call of its own and one that it serves are under way, when the connection goes.
    await desk.call('org.deskconn.info.get');
    const [call, served_call] = [desk.call(`${OURS}.theirs`), far.call(`${OURS}.mine`)];
    await Promise.all([asked.told, served.told]);
    await far.publish(`${OURS}.news`, [1]);
    middle.cut();
    await becomes(desk, 'waiting');
    await far.publish(`${OURS}.news`, [2]);
    answer('theirs');
    serve('mine');
    await becomes(desk, 'open');
    await far.publish(`${OURS}.news`, [3]);
    await told;
    assert.deepEqual([heard, (await call).args, (await served_call).args], [[1, 2, 3], ['theirs'], ['mine']]);
    assert.equal(desk.session, 1);
  });

  test('has every intermediate result once and in order, wherever it is cut', async () => {
    const member = await paired('bus');
    const identity = identityOf(member);
    const callee = new Wampy(`ws://${daemon.host}/ws`, {
      realm: 'deskconn', ws: noiseWebSocket(loginOf(member), Plain) as never, authid: member.joined.device_id, authmethods: ['cryptosign'],
      onChallenge: (_method, { challenge }) => identity.signChallenge(String(challenge)), autoReconnect: false, uriValidation: 'loose',
    });
    await callee.connect();
    await callee.register(`${OURS}.parts`, (({ result_handler }: any) => {
      for (let part = 0; part < 40; part += 1) result_handler({ argsList: [part], options: { progress: true } });
      return { argsList: ['all'] };
    }) as never);
    let last = 0;
    for (let step = 1; last === 0; step += 3) {
      let left = Infinity;
      let isCut = false;
      const down = (bytes: Buffer): Buffer | null => (left-- > 0 ? bytes : ((isCut = true), (left = Infinity), null));
      const { desk, middle } = await phone(member, { down });
      left = step;
      const parts: unknown[] = [];
      const { args } = await desk.call(`${OURS}.parts`, [], { onProgress: ([part]) => parts.push(part) });
      assert.deepEqual([parts, args], [Array.from({ length: 40 }, (_, part) => part), ['all']], `cut at ${step}`);
      assert.equal(desk.session, 1);
      // Beyond the last one there is nothing to cut.
      if (!isCut) last = step;
      desk.close();
      middle.stop();
    }
    await callee.disconnect();
  });

  test('loses and doubles nothing, however often the network goes, while both sides call and publish', async () => {
    const [mine, theirs] = [await paired('bus'), await paired('bus')];
    // So many chunks of each direction until the next end, in a sequence that is always the same.
    let seed = 7;
    const next = (): number => 6 + ((seed = (seed * 1103515245 + 12345) % 2 ** 31) >> 8) % 12;
    let left = Infinity;
    let cuts = 0;
    const cut = (bytes: Buffer): Buffer | null => (left-- > 0 ? bytes : ((cuts += 1), (left = next()), null));
    const { desk } = await phone(mine, { up: cut, down: cut });
    desk.onStatus(({ at }) => at === 'waiting' && queueMicrotask(() => desk.retry()));
    const far = await other(theirs);
    const TIMES = 60;
    const heard: unknown[] = [], served: unknown[] = [];
    const { tell, told } = times(TIMES);
    desk.subscribe(`${OURS}.news`, ({ args }) => (heard.push(args[0]), tell()));
    desk.register(`${OURS}.often.mine`, ([number]) => (served.push(number), Number(number) * 3));
    far.register(`${OURS}.often.theirs`, ([number]) => Number(number) * 2);
    await desk.call('org.deskconn.info.get');
    left = next();
    const answers: unknown[] = [];
    const calling = (async () => {
      for (let number = 0; number < TIMES;) {
        await becomes(desk, 'open');
        const answer = await desk.call(`${OURS}.often.theirs`, [number]).catch((error: CallFailed) => error.uri);
        // It was not sent, since the connection had gone just then.
        if (answer === 'org.deskconn.error.offline') continue;
        assert.equal(typeof answer, 'object', String(answer));
        answers.push((answer as { args: unknown[] }).args[0]);
        number += 1;
      }
    })();
    const others: unknown[] = [];
    for (let number = 0; number < TIMES; number += 1) {
      await far.publish(`${OURS}.news`, [number]);
      others.push((await far.call(`${OURS}.often.mine`, [number])).args[0]);
    }
    await Promise.all([calling, told]);
    const numbers = Array.from({ length: TIMES }, (_, number) => number);
    assert.deepEqual([heard, served, answers, others], [numbers, numbers, numbers.map((it) => it * 2), numbers.map((it) => it * 3)]);
    assert.equal(desk.session, 1);
    assert.ok(cuts > 10, `it was cut ${cuts} times`);
  });

  test('is another after a restart of the daemon: what was under way has failed, and it listens again', async () => {
    const member = await paired('bus');
    const { desk } = await phone(member);
    desk.register(`${OURS}.hangs`, () => new Promise(() => {}));
    const heard: unknown[] = [];
    const { tell, told } = times(1);
    desk.subscribe(`${OURS}.news`, ({ args }) => (heard.push(args[0]), tell()));
    await desk.call('org.deskconn.info.get');
    const call = desk.call(`${OURS}.hangs`);
    call.catch(() => {});
    await daemon.kill();
    await becomes(desk, 'waiting');
    await daemon.again();
    await becomes(desk, 'open');
    await assert.rejects(call, (it: CallFailed) => it.uri === LOST);
    assert.equal(desk.session, 2);
    await (await other(member)).publish(`${OURS}.news`, ['again']);
    await told;
    assert.deepEqual(heard, ['again']);
  });

  test('ends when the device is thrown out while it is away, and the device is told so', async () => {
    const member = await paired('remote');
    let isThere = true;
    const { desk, middle } = await phone(member, { up: (bytes) => (isThere ? bytes : null) });
    isThere = false;
    middle.cut();
    await becomes(desk, 'waiting');
    await daemon.call('org.deskconn.devices.revoke', member.joined.device_id);
    isThere = true;
    assert.equal((await becomes(desk, 'refused')).code, 'unknown_device');
  });

  test('is over at the desktop as soon as the device says goodbye', async () => {
    const member = await paired('remote');
    const desk = await other(member);
    const count = async (): Promise<number> => (await daemon.call<{ sessions: number }>('org.deskconn.info.get')).sessions;
    const before = await count();
    desk.close();
    const end = Date.now() + PATIENCE_MS;
    while ((await count()) !== before - 1) assert.ok(Date.now() < end, 'it is kept');
  });
});

test('a phone that slept for longer than the desktop waits has another session, and sees what is now', { skip: BINARIES === null && 'DESKCONN_BINDIR names no programs' }, async () => {
  const daemon = await Daemon.start('[limits]\nresume_s = 1\n');
  const window = await daemon.window(true, 'role=remote');
  const request = { secret: { code: parseCode(window.code)! }, name: 'a phone', kind: 'lib' as const, keep: () => {}, WebSocket: Plain };
  const [member] = await Promise.all([pairWith({ host: '127.0.0.1', port: daemon.port }, request), window.question]);
  let isAwake = true;
  const middle = await Middle.before(daemon.port, { up: (bytes) => (isAwake ? bytes : null) });
  const host = daemon.host;
  class Detour extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { headers: { Host: host } });
    }
  }
  const desk = new Desktop(member, { address: { host: '127.0.0.1', port: middle.port }, WebSocket: Detour as unknown as PlainSocketClass });
  await becomes(desk, 'open');
  isAwake = false;
  middle.cut();
  const devices = async (): Promise<number> => (await daemon.call<{ sessions: number }>('org.deskconn.info.get')).sessions;
  const end = Date.now() + PATIENCE_MS;
  while ((await devices()) > 1) assert.ok(Date.now() < end, 'the desktop waits for ever');
  isAwake = true;
  await becomes(desk, 'open');
  assert.equal(desk.session, 2);
  desk.close();
  middle.stop();
  await daemon.stop();
});
