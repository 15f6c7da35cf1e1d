// Sessions that survive their connection: it is cut at every message, and whoever calls, listens, publishes or offers
// something notices nothing. The router is scripted; `daemon_resume.test.ts` has the real one.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import WebSocket from 'ws';
import { CallFailed, Desktop, type DesktopOptions, LOST, OFFLINE, type PlainSocketClass, type Status } from '../src/index.js';
import { PING_S } from '../src/resuming_socket.js';
import { ACKNOWLEDGED_MESSAGES, KEPT_MESSAGES, UNACKNOWLEDGED_MESSAGES } from '../src/resumption.js';
import { type Cut, type Kept, type Script, ScriptedRouter } from './scripted_router.js';

const Plain = WebSocket as unknown as PlainSocketClass;
const PATIENCE_MS = 20_000;
const MANY = 5;

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const it of open.splice(0).reverse()) await it.close();
});

async function router(script: Script): Promise<ScriptedRouter> {
  const made = await ScriptedRouter.start(script);
  open.push({ close: () => made.stop() });
  return made;
}

function desktop(at: ScriptedRouter, options: DesktopOptions = {}): Desktop {
  const made = new Desktop(at.membership(), { WebSocket: Plain, ...options });
  open.push(made);
  return made;
}

function becomes<At extends Status['at']>(desk: Desktop, state: At): Promise<Status & { at: At }> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`it did not become ${state}: ${JSON.stringify(desk.status)}`)), PATIENCE_MS);
    desk.onStatus((status) => {
      if (status.at !== state) return;
      clearTimeout(late);
      resolve(status as Status & { at: At });
    });
  });
}

/** Does not wait before it tries again. */
function eager(desk: Desktop): void {
  desk.onStatus(({ at }) => at === 'waiting' && queueMicrotask(() => desk.retry()));
}

/** Events and invocations follow what the client does; a call of `parts` has five intermediate results. */
function busy(session: Kept, [kind, request, , uri, args]: any[]): void {
  if (kind === 32) session.send([33, request, uri === 'app.news' ? 7 : 6]);
  if (kind === 64) session.send([65, request, 8]);
  if (kind === 16) {
    session.send([17, request, 900 + args[0]]);
    session.send([36, 7, 900 + args[0], {}, [args[0]]]);
    session.send([68, args[0], 8, {}, [args[0]]]);
  }
  if (kind === 48 && uri === 'app.parts') {
    for (let part = 1; part <= MANY; part += 1) session.send([50, request, { progress: true }, [part]]);
    session.send([50, request, {}, ['all']]);
  } else if (kind === 48) session.send([50, request, {}, [args[0] * 2]]);
}

interface Story {
  results: unknown[];
  parts: unknown[];
  events: unknown[];
  yields: unknown[];
  calls: unknown[];
  published: unknown[];
  sessions: number;
}

const ALL = Array.from({ length: MANY }, (_, index) => index + 1);
const WHOLE: Story = { results: [...ALL.map((it) => it * 2), 'all'], parts: ALL, events: ALL, yields: ALL.map((it) => it * 3), calls: ALL, published: ALL, sessions: 1 };

/** One client that does everything at the same time. */
async function story(cuts: Cut[]): Promise<{ story: Story; at: ScriptedRouter }> {
  const at = await router({ cuts, onMessage: busy });
  const desk = desktop(at);
  const events: unknown[] = [], parts: unknown[] = [];
  let heard = (): void => {};
  const heardAll = new Promise<void>((resolve) => { heard = resolve; });
  desk.subscribe('app.news', ({ args }) => {
    events.push(args[0]);
    if (events.length >= MANY) heard();
  });
  desk.register('app.treble', ([number]) => Number(number) * 3);
  eager(desk);
  await becomes(desk, 'open');
  const publications = ALL.map((it) => desk.publish('app.mine', [it]));
  const calls = [...ALL.map((it) => desk.call('app.double', [it])), desk.call('app.parts', [], { onProgress: ([part]) => parts.push(part) })];
  const results = await Promise.all(calls);
  await Promise.all(publications);
  await heardAll;
  // A last one, behind all that is under way.
  await becomes(desk, 'open').then(() => desk.call('app.double', [0]));
  const seen = (kind: number, uri?: string): unknown[] => at.sessions[0]!.seen.filter((it) => it[0] === kind && (!uri || it[3] === uri)).map((it) => it.at(-1)[0] ?? it.at(-2)[0]);
  const sessions = desk.session;
  desk.close();
  const [yields, called, published] = [seen(70), seen(48, 'app.double'), seen(16)];
  return { story: { results: results.map(({ args }) => args[0]), parts, events, yields, calls: called.slice(0, MANY), published, sessions }, at };
}

describe('a session whose connection is cut', () => {
  for (const way of ['up', 'down'] as const) {
    for (const through of [true, false]) {
      test(`at every message ${way === 'up' ? 'of the device' : 'of the desktop'} that ${through ? 'still goes through' : 'is lost'}, loses and doubles nothing`, async () => {
        const { at } = await story([]);
        // Behind the last one that goes through there is nobody who would notice.
        const total = at.count[way] - (through ? 1 : 0);
        assert.ok(total > 3 * MANY, `${total} messages go by`);
        await Promise.all(Array.from({ length: total }, async (_, index) => {
          const told = await story([{ way, at: index, through }]);
          assert.deepEqual(told.story, WHOLE, `cut at ${index}`);
          assert.equal(told.at.hellos.length, 2, `cut at ${index}, and it returned`);
        }));
      });
    }
  }

  test('again and again goes on too', async () => {
    const cuts = Array.from({ length: 30 }, (_, index): Cut => ({ way: index % 2 ? 'up' : 'down', at: 3 + 2 * index, through: index % 3 > 0 }));
    const { story: told, at } = await story(cuts);
    assert.deepEqual(told, WHOLE);
    assert.ok(at.hellos.length > 10, `${at.hellos.length} connections`);
    const openings = new Set(at.hellos.map(({ _opening }) => _opening));
    assert.equal(openings.size, 1, 'by which the router knows that they are attempts of one client');
    assert.match(String([...openings][0]), /^[0-9a-f]{32}$/);
  });
});

/** A desktop that is open, and the one session of it. */
async function opened(script: Script, options: DesktopOptions = {}): Promise<{ at: ScriptedRouter; desk: Desktop; session: Kept }> {
  const at = await router(script);
  const desk = desktop(at, options);
  await becomes(desk, 'open');
  return { at, desk, session: at.sessions[0]! };
}

/** Answers no call of `app.hangs`. */
function hanging(session: Kept, message: any[]): void {
  if (message[0] === 48 && message[3] === 'app.hangs') return;
  busy(session, message);
}

const isLost = (it: CallFailed): boolean => it.uri === LOST;

describe('while the connection is away', () => {
  test('nothing is shown as if it were true, and a call fails at once', async () => {
    const { at, desk, session } = await opened({});
    at.listen(false);
    session.guest!.socket.terminate();
    await becomes(desk, 'waiting');
    assert.equal(desk.info, null);
    await assert.rejects(desk.call('app.double', [1]), (it: CallFailed) => it.uri === OFFLINE);
    at.listen(true);
    eager(desk);
    desk.retry();
    await becomes(desk, 'open');
    assert.deepEqual([desk.session, desk.info!.name, at.sessions.length], [1, 'scripted', 1]);
  });

  test('what is not answered in the time that the desktop gives has failed, and it goes on with a new session', async () => {
    const { at, desk, session } = await opened({ withinS: 1, onMessage: hanging });
    const call = desk.call('app.hangs');
    at.listen(false);
    session.guest!.socket.terminate();
    const begun = performance.now();
    await assert.rejects(call, isLost);
    assert.ok(performance.now() - begun > 900);
    at.listen(true);
    await becomes(desk, 'open');
    assert.equal(desk.session, 2);
    assert.equal(at.hellos.at(-1)!['resume-session'], undefined);
  });

  test('closing it ends everything, and no connection comes after', async () => {
    const { at, desk, session } = await opened({ onMessage: hanging });
    const call = desk.call('app.hangs');
    session.guest!.socket.terminate();
    await becomes(desk, 'waiting');
    desk.close();
    await assert.rejects(call, isLost);
    assert.equal(desk.status.at, 'closed');
    assert.equal(at.hellos.length, 1);
  });
});

describe('a desktop that does not go on with the session', () => {
  for (const withinS of [0, 120]) {
    test(withinS ? 'because it was too late gives another one with the same login' : 'because it never does is as before', async () => {
      const { at, desk, session } = await opened({ withinS, onMessage: hanging });
      const heard: unknown[] = [];
      desk.subscribe('app.news', ({ args }) => heard.push(args[0]));
      await desk.call('app.double', [1]);
      const call = desk.call('app.hangs');
      call.catch(() => {});
      at.sessions.splice(0);
      session.guest!.socket.terminate();
      await becomes(desk, 'waiting');
      await becomes(desk, 'open');
      await assert.rejects(call, isLost);
      assert.deepEqual([desk.session, at.hellos.length], [2, 2]);
      await desk.publish('app.mine', [4]);
      await desk.call('app.double', [1]);
      assert.deepEqual(heard, [4], 'it listens again');
    });
  }

  test('because the device was thrown out says so, and what was under way has failed', async () => {
    const script: Script = { onMessage: hanging };
    const { desk, session } = await opened(script);
    const call = desk.call('app.hangs');
    script.refuse = () => [{ message: 'gone' }, 'wamp.error.authentication_failed'];
    session.guest!.socket.terminate();
    await assert.rejects(call, isLost);
    assert.equal((await becomes(desk, 'refused')).code, 'unknown_device');
  });

  // What the router says before it stops, and while nobody can say who may come in.
  for (const reason of ['wamp.error.unavailable', 'wamp.close.system_shutdown']) {
    test(`because it says ${reason} is not refused: it is asked again soon, and goes on`, async () => {
      const script: Script = { onMessage: hanging };
      const { at, desk, session } = await opened(script);
      const call = desk.call('app.hangs');
      const refused = new Promise<void>((resolve) => { script.refuse = () => (resolve(), [{ message: 'not now' }, reason]); });
      const states: string[] = [];
      desk.onStatus((status) => states.push(status.at));
      eager(desk);
      session.guest!.socket.terminate();
      await refused;
      delete script.refuse;
      await becomes(desk, 'open');
      assert.ok(!states.includes('refused'), states.join());
      assert.deepEqual([desk.session, at.sessions.length], [1, 1]);
      session.send([50, session.seen.find((it) => it[3] === 'app.hangs')![1], {}, ['in the end']]);
      assert.deepEqual((await call).args, ['in the end']);
    });
  }

  test('for a moment, because it has too many sessions, is asked again, and goes on', async () => {
    const script: Script = { onMessage: hanging };
    const { at, desk, session } = await opened(script);
    const call = desk.call('app.hangs');
    script.refuse = () => [{ message: 'too many sessions' }, 'org.deskconn.error.busy'];
    session.guest!.socket.terminate();
    assert.equal((await becomes(desk, 'refused')).code, 'denied');
    delete script.refuse;
    desk.retry();
    await becomes(desk, 'open');
    assert.deepEqual([desk.session, at.sessions.length], [1, 1]);
    session.send([50, session.seen.find((it) => it[3] === 'app.hangs')![1], {}, ['late, and well']]);
    assert.deepEqual((await call).args, ['late, and well']);
  });
});

describe('an end that says what cannot be', () => {
  test('by RECEIVED has broken the protocol, and there is another session', async () => {
    const { at, desk, session } = await opened({});
    const answer = at.heard(3);
    session.guest!.send(new TextEncoder().encode('[1001,99]'));
    assert.equal((await answer)[2], 'wamp.error.protocol_violation');
    await becomes(desk, 'waiting');
    await becomes(desk, 'open');
    assert.equal(desk.session, 2);
  });

  test('by WELCOME too', async () => {
    const { at, desk, session } = await opened({ changeWelcome: (details) => 'resumed' in details && (details['_received'] = 99) });
    const answer = at.heard(3);
    session.guest!.socket.terminate();
    assert.equal((await answer)[2], 'wamp.error.protocol_violation');
    await becomes(desk, 'waiting');
    eager(desk);
    desk.retry();
    await becomes(desk, 'open');
    assert.equal(desk.session, 2);
  });
});

describe('the memory of a session', () => {
  test('waits in order when too much is on its way, and goes on when it has arrived', async () => {
    const { desk, session } = await opened({ acknowledges: false, onMessage: busy });
    await desk.call('app.double', [0]);
    const before = session.received;
    const calls = Array.from({ length: UNACKNOWLEDGED_MESSAGES + 50 }, (_, index) => desk.call('app.double', [index]));
    await Promise.all(calls.slice(0, UNACKNOWLEDGED_MESSAGES - before));
    assert.equal(session.received, UNACKNOWLEDGED_MESSAGES, 'no more before it knows');
    session.guest!.send(new TextEncoder().encode(`[1001,${session.received}]`));
    const results = await Promise.all(calls);
    assert.deepEqual(results.map(({ args }) => args[0]), calls.map((_, index) => 2 * index));
  });

  test('is bounded: what is beyond it ends the session', async () => {
    const { desk, session } = await opened({ acknowledges: false, onMessage: () => {} });
    const calls = Array.from({ length: KEPT_MESSAGES }, () => desk.call('app.hangs'));
    calls.forEach((call) => call.catch(() => {}));
    const { reason } = await becomes(desk, 'waiting');
    assert.match(reason, /more was sent/);
    await Promise.all(calls.map((call) => assert.rejects(call, isLost)));
    assert.ok(session.received <= UNACKNOWLEDGED_MESSAGES);
  });

  test('tells the desktop in time what has arrived, and with what it says anyway', async () => {
    const { at, desk, session } = await opened({ onMessage: busy });
    const first = at.heard(1001);
    desk.subscribe('app.news', () => {});
    assert.equal((await first)[1], 1, 'with the subscription that follows the first answer');
    for (let event = 0; event < 2 * ACKNOWLEDGED_MESSAGES; event += 1) session.send([36, 7, event, {}, [event]]);
    while (at.acknowledged.length < 3) await at.heard(1001);
    const steps = at.acknowledged.slice(-2);
    assert.equal(steps[1]! - steps[0]!, ACKNOWLEDGED_MESSAGES);
    assert.ok(session.sent.length - session.arrived <= ACKNOWLEDGED_MESSAGES);
  });
});

describe('who does not look', () => {
  test('asks nothing, and asks at once when he looks again', async () => {
    let isWatched = false;
    const { at, desk, session } = await opened({}, { heartbeatMs: 20, isWatched: () => isWatched });
    await desk.call('app.echo', [1]);
    const before = session.received;
    // Another connection with the same clock has been asked in vain by then.
    const other = await opened({}, { heartbeatMs: 20 });
    while (other.session.received < 8) await other.at.heard(48);
    assert.equal(session.received, before);
    isWatched = true;
    const asked = at.heard(48);
    desk.wake();
    assert.equal((await asked)[3], 'org.deskconn.info.get');
    await at.heard(48);
    assert.ok(session.received >= before + 2, 'and from then on again');
  });
});

test('it asks the desktop to let it sleep, on each connection', async () => {
  const { at, desk, session } = await opened({});
  session.guest!.socket.terminate();
  await becomes(desk, 'waiting');
  await becomes(desk, 'open');
  assert.deepEqual(at.hellos.map(({ _ping }) => _ping), [PING_S, PING_S]);
});

test('who closes it says goodbye, so that the desktop keeps nothing', async () => {
  const { at, desk } = await opened({});
  const goodbye = at.heard(6);
  desk.close();
  await goodbye;
  assert.equal(at.sessions.length, 0);
});
