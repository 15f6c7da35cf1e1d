// A desktop over the connections that come and go, with a real deskconnd. Runs where DESKCONN_BINDIR names the programs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { CallFailed, Desktop, type DesktopOptions, type Membership, type PlainSocketClass, PairingError, type Status, pairWith, parseCode } from '../src/index.js';
import { BINARIES, Daemon, Middle } from './daemon_process.js';

const Plain = WebSocket as unknown as PlainSocketClass;
const PATIENCE_MS = 20_000;

function at(port: number): { host: string; port: number } {
  return { host: '127.0.0.1', port };
}

/** What devices with the role `bus` may offer, and call. */
const OURS = 'org.deskconn.app.test';

async function paired(daemon: Daemon, role = 'remote'): Promise<Membership> {
  const window = await daemon.window(true, `role=${role}`);
  const request = { secret: { code: parseCode(window.code)! }, name: 'a phone', kind: 'lib' as const, keep: () => {}, WebSocket: Plain };
  const [membership] = await Promise.all([pairWith(at(daemon.port), request), window.question]);
  return membership;
}

/** Waits until it stands so. */
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

describe('a desktop', { skip: BINARIES === null && 'DESKCONN_BINDIR names no programs' }, () => {
  let daemon: Daemon;
  let membership: Membership;
  let bus: Membership;
  const open: Desktop[] = [];
  function desktop(options: DesktopOptions = {}, member = membership): Desktop {
    const made = new Desktop(member, { address: at(daemon.port), WebSocket: Plain, ...options });
    open.push(made);
    return made;
  }
  /** Through somebody in between, who is taken for the daemon. */
  function through(middle: Middle, options: DesktopOptions = {}): Desktop {
    const host = daemon.host;
    class Detour extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers: { Host: host } });
      }
    }
    return desktop({ address: at(middle.port), WebSocket: Detour as unknown as PlainSocketClass, ...options });
  }
  before(async () => {
    daemon = await Daemon.start();
    membership = await paired(daemon);
    bus = await paired(daemon, 'bus');
  });
  after(async () => {
    open.forEach((it) => it.close());
    await daemon.stop();
  });

  test('says what the device may do, calls, and tells an error in a sentence', async () => {
    const desk = desktop();
    await becomes(desk, 'open');
    assert.equal(desk.info!.role, 'remote');
    assert.ok(desk.info!.procedures.includes('org.deskconn.slides.next'));
    const { args } = await desk.call('org.deskconn.info.get');
    assert.equal((args[0] as { id: string }).id, desk.info!.id);
    await assert.rejects(desk.call('org.deskconn.devices.list'), (it: CallFailed) => it.uri === 'wamp.error.not_authorized' && it.message.length > 10);
    await assert.rejects(desk.call('org.deskconn.brightness.set', ['much']), (it: CallFailed) => it.uri.startsWith('org.deskconn.error.'));
    desk.close();
    assert.equal(desk.status.at, 'closed');
    await assert.rejects(desk.call('org.deskconn.info.get'), (it: CallFailed) => it.uri === 'org.deskconn.error.offline');
  });

  test('is open when it says what the device may do, and says that when it is open', async () => {
    const desk = desktop();
    const seen: string[] = [];
    const both = new Promise<void>((resolve) => {
      desk.onStatus(({ at }) => at === 'open' && seen.push(`open, knowing ${desk.info?.role}`));
      desk.onInfo((info) => info && (seen.push(`${info.role}, being ${desk.status.at}`), resolve()));
    });
    await both;
    assert.deepEqual(seen, ['open, knowing remote', 'remote, being open']);
  });

  test('comes back when the daemon was killed, with what it listens to and offers', async () => {
    const desk = desktop({}, bus);
    await becomes(desk, 'open');
    const heard: unknown[] = [];
    let wake = (): void => {};
    desk.subscribe(`${OURS}.news`, ({ args }) => (heard.push(args[0]), wake()));
    desk.register(`${OURS}.double`, ([number]) => Number(number) * 2);
    await daemon.kill();
    const { reason, retryAt } = await becomes(desk, 'waiting');
    assert.ok(reason.length > 0 && retryAt > Date.now() - 1000);
    assert.equal(desk.info, null, 'nothing that was known is shown as if it were true');
    await assert.rejects(desk.call('org.deskconn.info.get'), (it: CallFailed) => it.uri === 'org.deskconn.error.offline');
    await daemon.again();
    desk.retry();
    await becomes(desk, 'open');
    const came = new Promise<void>((resolve) => { wake = resolve; });
    const other = desktop({}, bus);
    await becomes(other, 'open');
    await other.publish(`${OURS}.news`, ['again']);
    await came;
    assert.deepEqual(heard, ['again']);
    assert.deepEqual((await other.call(`${OURS}.double`, [21])).args, [42]);
  });

  test('what throws in a procedure of its own is an answer', async () => {
    const desk = desktop({}, bus);
    await becomes(desk, 'open');
    const end = desk.register(`${OURS}.refuse`, () => { throw new CallFailed('org.deskconn.error.busy', 'not now', { until: 'tomorrow' }); });
    await assert.rejects(desk.call(`${OURS}.refuse`), (it: CallFailed) => it.uri === 'org.deskconn.error.busy' && it.message === 'not now' && it.kwargs['until'] === 'tomorrow');
    end();
    await assert.rejects(desk.call(`${OURS}.refuse`), (it: CallFailed) => it.uri === 'wamp.error.no_such_procedure');
  });

  test('who listens later to what is retained hears it too', async () => {
    const desk = desktop();
    await becomes(desk, 'open');
    const presence = `org.deskconn.device.${membership.joined.device_id}.on_presence`;
    const listen = (): Promise<{ value: unknown; at: Date | null; end: () => void }> => new Promise((resolve) => {
      const end = desk.subscribe(presence, ({ args, publishedAt }) => queueMicrotask(() => resolve({ value: args[0], at: publishedAt, end })), { retained: true });
    });
    const first = await listen();
    assert.equal(first.value, true);
    assert.ok(first.at instanceof Date);
    const second = await listen();
    assert.deepEqual([second.value, second.at], [first.value, first.at]);
    first.end();
    second.end();
    const third = await listen();
    assert.deepEqual([third.value, third.at], [first.value, first.at], 'and who listens again, when nobody did for a while');
  });

  test('what is retained is forgotten with an event that says so', async () => {
    const topic = `${OURS}.state`;
    const speaker = desktop({}, bus);
    await becomes(speaker, 'open');
    // Another session each time: one remembers what it heard last.
    const subscribed = async (): Promise<{ first: Promise<[unknown, boolean]> }> => {
      const desk = desktop({}, bus);
      await becomes(desk, 'open');
      const first = new Promise<[unknown, boolean]>((resolve) => {
        desk.subscribe(topic, ({ args, retained }) => resolve([args[0], retained]), { retained: true });
      });
      // What is answered later shows that it stands.
      await desk.call('org.deskconn.info.get');
      return { first };
    };
    await speaker.publish(topic, ['"_retain"'], {}, { retain: true });
    await speaker.publish(topic, ['"_retain"', { _retain: true }]);
    assert.deepEqual(await (await subscribed()).first, ['"_retain"', true]);
    await speaker.publish(topic, ['gone'], {}, { forget: true });
    const { first } = await subscribed();
    await speaker.publish(topic, ['new']);
    assert.deepEqual(await first, ['new', false], 'nothing was kept');
  });

  test('a link that is dead, though nobody closed it, is found out and replaced', async () => {
    let isDead = false;
    const dead = await Middle.before(daemon.port, { down: (bytes) => (isDead ? Buffer.alloc(0) : bytes) });
    const desk = through(dead, { heartbeatMs: 100, answerMs: 300 });
    await becomes(desk, 'open');
    isDead = true;
    const hanging = desk.call('org.deskconn.info.get');
    await becomes(desk, 'waiting');
    isDead = false;
    await becomes(desk, 'open');
    assert.equal(((await hanging).args[0] as { id: string }).id, desk.info!.id, 'and what was asked over it is answered');
    dead.stop();
  });

  test('who looks again after a sleep is not shown what was, until the desktop has answered', async (context) => {
    let isDead = false;
    const middle = await Middle.before(daemon.port, { down: (bytes) => (isDead ? Buffer.alloc(0) : bytes) });
    const desk = through(middle, { answerMs: 300 });
    await becomes(desk, 'open');
    isDead = true;
    // A phone that slept: its clock went on, its timers did not.
    const now = performance.now.bind(performance);
    context.mock.method(performance, 'now', () => now() + 3_600_000);
    desk.wake();
    assert.deepEqual(desk.status, { at: 'connecting', attempt: 0 });
    await becomes(desk, 'waiting');
    desk.close();
    middle.stop();
  });

  test('a call is taken back, and one that takes too long is given up', async () => {
    const desk = desktop({}, bus);
    await becomes(desk, 'open');
    const mine = `${OURS}.never`;
    desk.register(mine, () => new Promise(() => {}));
    await assert.rejects(desk.call(mine, [], { timeoutMs: 50 }), (it: CallFailed) => it.uri === 'wamp.error.timeout');
    const abort = new AbortController();
    const call = desk.call(mine, [], { signal: abort.signal });
    abort.abort();
    await assert.rejects(call, (it: CallFailed) => it.uri === 'wamp.error.canceled');
    await assert.rejects(desk.call(mine, [], { signal: AbortSignal.abort() }), (it: CallFailed) => it.uri === 'wamp.error.canceled');
  });

  test('a device that is thrown out is told so, and does not knock again', async () => {
    const member = await paired(daemon);
    const desk = desktop({}, member);
    await becomes(desk, 'open');
    await daemon.call('org.deskconn.devices.revoke', member.joined.device_id);
    const refused = await becomes(desk, 'refused');
    assert.deepEqual([refused.code, refused.retryAt], ['unknown_device', null]);
  });

  test('a connection that is cut in the middle of the handshake says nothing of who is there, and is tried again', async () => {
    // What goes up is a request, then the handshake of Noise.
    let isCut = false;
    const middle = await Middle.before(daemon.port, { up: (bytes, chunk) => (chunk === 1 && !isCut ? (isCut = true, null) : bytes) });
    const desk = through(middle);
    const states = new Set<string>();
    desk.onStatus((status) => states.add(status.at));
    await becomes(desk, 'open');
    assert.ok(isCut);
    assert.deepEqual([...states], ['connecting', 'waiting', 'open']);
    desk.close();
    middle.stop();
  });

  test('another desktop at the address is told from the right one, and the right one is found beside it', async () => {
    const other = await Daemon.start();
    const wrong = desktop({ address: at(other.port) });
    assert.equal((await becomes(wrong, 'refused')).code, 'wrong_desktop');
    await other.stop();
    const { joined } = membership;
    const moved = { ...membership, joined: { ...joined, hosts: ['localhost.invalid', '127.0.0.1'], port: daemon.port } };
    const right = new Desktop(moved, { WebSocket: Plain });
    await becomes(right, 'open');
    right.close();
  });

  test('the pairing says whether no window is open or nobody is there', async () => {
    const request = { secret: { code: '12345678' }, name: 'x', kind: 'lib' as const, keep: () => {}, WebSocket: Plain };
    await assert.rejects(pairWith(at(daemon.port), request), (it: PairingError) => it.code === 'closed');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    await assert.rejects(pairWith(at(port), request), (it: PairingError) => it.code === 'unreachable');
  });
});
