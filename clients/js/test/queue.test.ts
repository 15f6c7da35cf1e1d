// Publications that wait in the browser's database: here the database is one in memory, the desktop a real deskconnd with
// somebody in between who cuts the connection. tests/browser/queue.mjs does it in a real browser.
import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { type TestContext, after, afterEach, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import {
  DatabaseShelf, Desktop, MAX_PUBLICATION_BYTES, MAX_WAITING, type Membership, type PlainSocketClass, Queue, QueueFull, QueuesUnsupported, type RefusedPublication, type Shelf,
  TooLong, pairWith, parseCode,
} from '../src/index.js';
import { BINARIES, Daemon, type Meddling, Middle } from './daemon_process.js';
import { type Script, ScriptedRouter } from './scripted_router.js';

const Plain = WebSocket as unknown as PlainSocketClass;
const PATIENCE_MS = 20_000;
const TOPIC = 'org.deskconn.app.votes';

function vote(number: number): { topic: string; args: unknown[]; kwargs: Record<string, unknown>; retain: boolean } {
  return { topic: TOPIC, args: [number], kwargs: {}, retain: false };
}

test('numbers are never given twice, also when the shelf was emptied and opened again', async () => {
  const shelf = await DatabaseShelf.open('numbers');
  for (const number of [1, 2, 3]) await shelf.add(vote(number));
  assert.equal((await shelf.first())?.number, 1);
  for (const number of [1, 2, 3]) await shelf.remove(number);
  assert.equal(await shelf.first(), undefined);
  shelf.close();
  const again = await DatabaseShelf.open('numbers');
  assert.equal(again.name, shelf.name);
  await again.add(vote(4));
  assert.deepEqual(await again.first(), { number: 4, ...vote(4) });
  assert.deepEqual([await again.has(3), await again.has(4), await again.count()], [false, true, 1]);
  again.close();
});

test('every queue has a name of its own', async () => {
  const [one, another] = [await DatabaseShelf.open('one'), await DatabaseShelf.open('another')];
  assert.match(one.name, /^[0-9a-f]{32}$/);
  assert.notEqual(one.name, another.name);
});

test('as many wait as may, and one more is refused', async () => {
  let count = MAX_WAITING - 1;
  const shelf = { name: 'full', add: async () => { count += 1; }, first: async () => undefined, has: async () => false, remove: async () => {}, count: async () => count };
  const queue = new Queue(shelf);
  const [last, over] = await Promise.allSettled([queue.push(TOPIC), queue.push(TOPIC)]);
  assert.equal(last.status, 'fulfilled');
  assert.ok(over.status === 'rejected' && over.reason instanceof QueueFull);
  assert.equal(await queue.length, MAX_WAITING);
});

/** A desktop whose router is scripted, and does what is said of its broker. */
async function scripted(t: TestContext, broker: Record<string, boolean>, onMessage?: Script['onMessage']): Promise<{ desktop: Desktop; router: ScriptedRouter }> {
  const changeWelcome = (details: Record<string, unknown>): void => { details['roles'] = { broker: { features: broker }, dealer: { features: {} } }; };
  const router = await ScriptedRouter.start({ changeWelcome, ...(onMessage ? { onMessage } : {}) });
  const desktop = new Desktop(router.membership(), { WebSocket: Plain });
  t.after(async () => {
    desktop.close();
    await router.stop();
  });
  return { desktop, router };
}

test('to a router that would not know it again nothing of a queue is sent, and the program is told', async (t) => {
  const { desktop, router } = await scripted(t, { x_publication_queue: false });
  const queue = await Queue.open('unsupported');
  await queue.push(TOPIC, [1]);
  const failure = await new Promise((resolve) => { queue.deliver(desktop, () => assert.fail('nobody has refused it'), resolve); });
  assert.ok(failure instanceof QueuesUnsupported, String(failure));
  assert.match(failure.message, /x_publication_queue/);
  await assert.rejects(desktop.publish(TOPIC, [1], {}, { queue: { name: 'own', number: 1 } }), QueuesUnsupported);
  // What belongs to no queue is published as ever.
  await desktop.publish(TOPIC, [2]);
  assert.deepEqual(router.sessions[0]!.seen.filter(([kind]) => kind === 16).map((it) => it[4]), [[2]]);
  assert.equal(await queue.length, 1);
});

test('a database that cannot be used any more is told, to who pushes and to who delivers, and nothing of it is lost', async (t) => {
  const { desktop } = await scripted(t, { x_publication_queue: true });
  const shelf = await DatabaseShelf.open('closed');
  const queue = new Queue(shelf);
  await queue.push(TOPIC, [1]);
  shelf.close();
  const failure = await new Promise((resolve) => { queue.deliver(desktop, () => {}, resolve); });
  assert.equal((failure as DOMException).name, 'InvalidStateError');
  await assert.rejects(queue.push(TOPIC, [2]), { name: 'InvalidStateError' });
  const again = await Queue.open('closed');
  assert.equal(await again.length, 1);
});

test('a full disk refuses a publication, and those that wait are delivered all the same', async (t) => {
  const published = new Set<unknown>();
  let has = (): void => {};
  const { desktop } = await scripted(t, { x_publication_queue: true }, (session, message) => {
    if (message[0] !== 16) return;
    published.add(message[4][0]);
    session.send([17, message[1], 9]);
    has();
  });
  const shelf = await DatabaseShelf.open('quota');
  let isFull = false;
  const full: Shelf = {
    name: shelf.name, first: () => shelf.first(), has: (it) => shelf.has(it), remove: (it) => shelf.remove(it), count: () => shelf.count(),
    add: (it) => (isFull ? Promise.reject(new DOMException('no room', 'QuotaExceededError')) : shelf.add(it)),
  };
  const queue = new Queue(full);
  await queue.push(TOPIC, [1]);
  isFull = true;
  await assert.rejects(queue.push(TOPIC, [2]), { name: 'QuotaExceededError' });
  isFull = false;
  await queue.push(TOPIC, [3]);
  const both = new Promise<void>((resolve) => { has = () => published.size === 2 && resolve(); });
  queue.deliver(desktop, () => {}, (error) => assert.fail(String(error)));
  await both;
  assert.deepEqual([...published], [1, 3]);
});

test('what cannot be sent is refused before it waits', async () => {
  const queue = await Queue.open('unsendable');
  const around = JSON.stringify([[''], {}]).length;
  await queue.push(TOPIC, ['x'.repeat(MAX_PUBLICATION_BYTES - around)]);
  await assert.rejects(queue.push(TOPIC, ['x'.repeat(MAX_PUBLICATION_BYTES - around + 1)]), TooLong);
  await assert.rejects(queue.push(TOPIC, [1n]), TypeError);
  await assert.rejects(queue.push(TOPIC, [() => {}]), { name: 'DataCloneError' });
  assert.equal(await queue.length, 1);
});

describe('a queue and a desktop', { skip: BINARIES === null && 'DESKCONN_BINDIR names no programs' }, () => {
  let daemon: Daemon;
  let member: Membership;
  let listener: Desktop;
  const open: { close: () => unknown }[] = [];
  let heard: unknown[] = [];
  let wakeListener = (): void => {};

  before(async () => {
    // Sessions are not kept, so that every cut is felt.
    daemon = await Daemon.start('[limits]\nresume_s = 0\n');
    const pair = async (role: string): Promise<Membership> => {
      const window = await daemon.window(true, `role=${role}`);
      const request = { secret: { code: parseCode(window.code)! }, name: role, kind: 'lib' as const, keep: () => {}, WebSocket: Plain };
      const [membership] = await Promise.all([pairWith({ host: '127.0.0.1', port: daemon.port }, request), window.question]);
      return membership;
    };
    member = await pair('bus');
    listener = new Desktop(await pair('bus'), { address: { host: '127.0.0.1', port: daemon.port }, WebSocket: Plain });
    await opened(listener);
    listener.subscribe(TOPIC, ({ args }) => {
      heard.push(args[0]);
      wakeListener();
    });
    // Requests of one session are done in their order: it has subscribed when this is answered.
    await listener.call('org.deskconn.info.get');
  });
  afterEach(() => { for (const thing of open.splice(0)) thing.close(); });
  after(async () => {
    listener.close();
    await daemon.stop();
  });

  function until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`only ${JSON.stringify(heard)} came`)), PATIENCE_MS);
      wakeListener = () => {
        if (!isSo()) return;
        clearTimeout(late);
        resolve();
      };
      wakeListener();
    });
  }

  function opened(desktop: Desktop): Promise<void> {
    return new Promise((resolve) => { desktop.onStatus(({ at }) => at === 'open' && resolve()); });
  }

  async function phone(meddling: Meddling = {}): Promise<Desktop> {
    const middle = await Middle.before(daemon.port, meddling);
    const host = daemon.host;
    class Detour extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers: { Host: host } });
      }
    }
    const desktop = new Desktop(member, { address: { host: '127.0.0.1', port: middle.port }, WebSocket: Detour as unknown as PlainSocketClass });
    open.push(desktop, { close: () => middle.stop() });
    return desktop;
  }

  test('what was pushed without a connection arrives in its order, what is pushed later too, and nothing waits any more', async () => {
    heard = [];
    const queue = await Queue.open('order');
    for (const number of [1, 2, 3]) await queue.push(TOPIC, [number]);
    queue.deliver(await phone());
    await until(() => heard.length === 3);
    await queue.push(TOPIC, [4]);
    await until(() => heard.length === 4);
    assert.deepEqual(heard, [1, 2, 3, 4]);
  });

  test('wherever the connection is cut, and the page closed, each arrives once', async () => {
    heard = [];
    // PUBLISH goes up and PUBLISHED comes down, twice; what else goes may be before, between and after them.
    for (let cut = 1; cut <= 5; cut += 1) {
      for (const way of ['up', 'down'] as const) {
        const queue = await Queue.open(`cut-${way}-${cut}`);
        const before = heard.length;
        for (const number of [1, 2]) await queue.push(TOPIC, [`${way} ${cut} ${number}`]);
        let chunks = 0;
        let isArmed = false;
        const desktop = await phone({ [way]: (bytes: Buffer) => (isArmed && ++chunks === cut ? null : bytes) });
        await opened(desktop);
        isArmed = true;
        const stop = queue.deliver(desktop);
        await until(() => heard.length > before);
        // The page goes, wherever that is, and another one has the rest to deliver.
        stop();
        desktop.close();
        const next = await Queue.open(`cut-${way}-${cut}`);
        next.deliver(await phone());
        await until(() => heard.length >= before + 2);
        assert.deepEqual(heard.slice(before), [1, 2].map((number) => `${way} ${cut} ${number}`));
        for (const thing of open.splice(0)) thing.close();
      }
    }
  });

  test('two pages that deliver the same queue deliver each once, and report no refusal', async () => {
    heard = [];
    const refused: RefusedPublication[] = [];
    const [one, another] = [await Queue.open('shared'), await Queue.open('shared')];
    const numbers = Array.from({ length: 40 }, (_, number) => number);
    for (const number of numbers) await one.push(TOPIC, [number]);
    one.deliver(await phone(), (it) => refused.push(it));
    another.deliver(await phone(), (it) => refused.push(it));
    await until(() => heard.length >= numbers.length);
    assert.deepEqual(heard, numbers);
    assert.deepEqual(refused, []);
  });

  test('what the desktop does not want is told and does not hold up the rest', async () => {
    heard = [];
    const queue = await Queue.open('unwanted');
    await queue.push('wamp.session.on_join', [1]);
    await queue.push('not a topic', [2]);
    await queue.push('org.deskconn.screen.on_locked', [3]);
    await queue.push(TOPIC, [4]);
    const refused: string[] = [];
    queue.deliver(await phone(), ({ publication, failure }) => refused.push(`${publication.args[0]} ${failure.uri}`));
    await until(() => heard.length === 1);
    assert.deepEqual(heard, [4]);
    assert.deepEqual(refused, ['1 wamp.error.invalid_uri', '2 wamp.error.invalid_uri', '3 wamp.error.not_authorized']);
  });
});
