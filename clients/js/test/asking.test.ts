// What a desktop takes away or refuses for a time: it is told, asked for again, and told when it stands. The desktop is scripted;
// `daemon_rights.test.ts` has the real one.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import WebSocket from 'ws';
import { CallFailed, Desktop, type DesktopOptions, type Missing, NOT_AUTHORIZED, type PlainSocketClass, TakenAway } from '../src/index.js';
import { type Kept, ScriptedRouter } from './scripted_router.js';

const OWN = 'org.deskconn.components.on_changed';
const EXISTS = 'wamp.error.procedure_already_exists';
const FOR_EVER_MS = 3_600_000;

/** A desktop that gives and takes: its names for what it has granted count up. */
class Giving {
  /** What it refuses, and why. */
  readonly refused = new Map<string, string>();
  /** What stands, by URI. */
  readonly granted = new Map<string, number>();
  /** The questions that came, the client's own left out. */
  readonly asked: string[] = [];
  session!: Kept;
  #last = 100;

  readonly take = (session: Kept, [kind, request, options, uri, ...rest]: any[]): void => {
    this.session = session;
    if (kind === 48) return session.send([50, request, {}, rest[0] ?? []]);
    if (kind !== 32 && kind !== 64) return;
    if (uri !== OWN) this.asked.push(`${kind === 32 ? 'subscribe' : 'register'} ${uri}`);
    const reason = this.refused.get(uri);
    if (reason) return session.send([8, kind, request, {}, reason]);
    const isSame = kind === 32 && options.get_retained && this.granted.has(uri);
    const id = isSame ? this.granted.get(uri)! : (this.#last += 1);
    this.granted.set(uri, id);
    session.send([kind + 1, request, id]);
  };

  takeAway(kind: 35 | 67, uri: string, reason?: string): void {
    const id = this.granted.get(uri)!;
    this.granted.delete(uri);
    const details = { [kind === 35 ? 'subscription' : 'registration']: id, ...(reason ? { reason } : {}) };
    this.session.send([kind, 0, details]);
  }

  /** The role has lost its right to all of it. */
  deny(...uris: string[]): void {
    for (const uri of uris) this.refused.set(uri, NOT_AUTHORIZED);
    for (const uri of uris) if (this.granted.has(uri)) this.takeAway(uri.includes('news') ? 35 : 67, uri, NOT_AUTHORIZED);
  }

  event(uri: string, argument: unknown): void {
    this.session.send([36, this.granted.get(uri)!, 900, {}, [argument]]);
  }

  /** Calls a procedure of the device's. */
  async call(router: ScriptedRouter, uri: string): Promise<unknown> {
    const answer = router.heard(70);
    this.session.send([68, 1, this.granted.get(uri)!, {}, []]);
    return (await answer)[3][0];
  }
}

interface Stage {
  giving: Giving;
  router: ScriptedRouter;
  desk: Desktop;
  /** What the program was told, in its order. */
  told: string[];
  /** Settles when the program has been told of so much. */
  isTold: (count: number) => Promise<string[]>;
  /** Options by which something is told of. */
  tell: (name: string) => { onError: (failure: CallFailed) => void; onStands: () => void };
  /** Settles when this is missing, and nothing else. */
  lacks: (...uris: string[]) => Promise<Missing[]>;
}

async function stage(t: TestContext, options: DesktopOptions = {}): Promise<Stage> {
  const giving = new Giving();
  const router = await ScriptedRouter.start({ onMessage: giving.take });
  const desk = new Desktop(router.membership(), { WebSocket: WebSocket as unknown as PlainSocketClass, missingMs: 20, ...options });
  t.after(async () => {
    desk.close();
    await router.stop();
  });
  const told: string[] = [];
  let wake = (): void => {};
  const say = (word: string): void => void (told.push(word), wake());
  const isTold = (count: number): Promise<string[]> => new Promise((resolve) => {
    wake = () => told.length >= count && resolve(told);
    wake();
  });
  const tell: Stage['tell'] = (name) => ({ onError: (failure) => say(`${name} ${failure.name} ${failure.uri}`), onStands: () => say(`${name} stands`) });
  const lacks: Stage['lacks'] = (...uris) => new Promise((resolve) => {
    desk.onMissing((missing) => String(missing.map(({ uri }) => uri)) === String(uris) && resolve(missing));
  });
  await new Promise<void>((resolve) => desk.onStatus(({ at }) => at === 'open' && resolve()));
  return { giving, router, desk, told, isTold, tell, lacks };
}

/** Behind all that was said before it. */
const settled = (desk: Desktop): Promise<unknown> => desk.call('app.echo');

/** The next event that somebody hears. */
function events(): { take: (event: { args: unknown[] }) => void; next: () => Promise<unknown> } {
  const heard: unknown[] = [];
  let wake = (): void => {};
  const next = async (): Promise<unknown> => {
    while (heard.length === 0) await new Promise<void>((resolve) => { wake = resolve; });
    return heard.shift();
  };
  return { take: ({ args }) => void (heard.push(args[0]), wake()), next };
}

test('a device says that it understands what is taken away', async (t) => {
  const { router } = await stage(t);
  const { roles } = router.hellos[0] as { roles: Record<string, { features: Record<string, boolean> }> };
  assert.equal(roles['subscriber']!.features['subscription_revocation'], true);
  assert.equal(roles['callee']!.features['registration_revocation'], true);
  assert.equal(roles['subscriber']!.features['pattern_based_subscription'], true, 'and what it understood before');
});

test('what the session loses its right to is told once, asked for again, and told when it stands', async (t) => {
  const { giving, router, desk, told, isTold, tell, lacks } = await stage(t);
  const { take, next } = events();
  const lists: string[] = [];
  desk.onMissing((missing) => lists.push(missing.map(({ uri }) => uri).join(' ')));
  desk.subscribe('app.news', take, tell('news'));
  desk.register('app.own', () => 'served', tell('own'));
  await settled(desk);
  giving.deny('app.news', 'app.own');
  const missing = await lacks('app.news', 'app.own');
  assert.deepEqual(missing.map(({ what, failure }) => [what, failure.uri]), [['topic', NOT_AUTHORIZED], ['procedure', NOT_AUTHORIZED]]);
  // Once when it is taken away, and after each pause.
  while (giving.asked.length < 8) await router.heard(64);
  const lost = [`news CallFailed ${NOT_AUTHORIZED}`, `own CallFailed ${NOT_AUTHORIZED}`];
  assert.deepEqual(await isTold(2), lost);
  giving.refused.clear();
  await lacks();
  assert.deepEqual(told, [...lost, 'news stands', 'own stands']);
  giving.event('app.news', 7);
  assert.equal(await next(), 7);
  assert.equal(await giving.call(router, 'app.own'), 'served');
  giving.deny('app.own');
  assert.equal((await isTold(5))[4], lost[1], 'another loss is told again');
  await lacks('app.own');
  assert.deepEqual(lists, ['', 'app.news app.own', '', 'app.own'], 'each change once, as a whole');
});

test('a right that is back at once is told too: events may have been missed', async (t) => {
  const { giving, desk, isTold, tell } = await stage(t);
  const { take, next } = events();
  desk.subscribe('app.news', take, tell('news'));
  await settled(desk);
  giving.takeAway(35, 'app.news', NOT_AUTHORIZED);
  assert.deepEqual(await isTold(1), ['news stands']);
  giving.event('app.news', 1);
  assert.equal(await next(), 1);
  assert.deepEqual(desk.missing, []);
});

test('what was refused from the beginning stands when it may', async (t) => {
  const { giving, desk, told, isTold, tell, lacks } = await stage(t);
  giving.refused.set('app.news', NOT_AUTHORIZED).set('app.own', EXISTS);
  desk.subscribe('app.news', () => {}, tell('news'));
  desk.register('app.own', () => null, tell('own'));
  await lacks('app.news', 'app.own');
  assert.deepEqual(told, [`news CallFailed ${NOT_AUTHORIZED}`, `own CallFailed ${EXISTS}`]);
  giving.refused.clear();
  assert.deepEqual((await isTold(4)).slice(2), ['news stands', 'own stands']);
  await lacks();
});

for (const [reason, said] of [['wamp.close.normal', 'wamp.close.normal'], ['wamp.registration.taken_over', 'wamp.registration.taken_over'], [undefined, 'wamp.error.canceled']] as const) {
  test(`what is taken away ${reason ? `because of ${reason}` : 'without a reason'} is not asked for again, in no session`, async (t) => {
    const { giving, router, desk, told, isTold, tell } = await stage(t);
    const leave = desk.subscribe('app.news', () => {}, tell('news'));
    desk.register('app.own', () => 'mine', tell('own'));
    await settled(desk);
    const before = giving.asked.length;
    giving.takeAway(35, 'app.news', reason);
    giving.takeAway(67, 'app.own', reason);
    assert.deepEqual(await isTold(2), [`news TakenAway ${said}`, `own TakenAway ${said}`]);
    assert.deepEqual(desk.missing, []);
    desk.wake();
    router.sessions.splice(0);
    giving.session.guest!.socket.terminate();
    await new Promise<void>((resolve) => desk.onStatus(({ at }) => at === 'open' && desk.session === 2 && resolve()));
    await settled(desk);
    assert.equal(giving.asked.length, before);
    // Whoever wants it all the same says so anew; the end of the earlier wish is not that of the new one.
    desk.register('app.own', () => 'again', tell('own'));
    const { take, next } = events();
    desk.subscribe('app.news', take, tell('news'));
    leave();
    await settled(desk);
    assert.equal(await giving.call(router, 'app.own'), 'again');
    giving.event('app.news', 3);
    assert.equal(await next(), 3);
    assert.equal(told.length, 2);
  });
}

test('a subscription that is taken away as soon as it was granted is asked for again', async (t) => {
  const { giving, router, desk, isTold, tell } = await stage(t);
  const { take, next } = events();
  const { take: grant } = giving;
  router.script.onMessage = (session, message) => {
    grant(session, message);
    // Both come in one piece.
    if (message[3] === 'app.news' && giving.asked.length === 1) giving.takeAway(35, 'app.news', NOT_AUTHORIZED);
  };
  desk.subscribe('app.news', take, tell('news'));
  assert.deepEqual(await isTold(1), ['news stands']);
  giving.event('app.news', 5);
  assert.equal(await next(), 5);
});

test('two who listen to a topic with other options have one subscription, and both get it back', async (t) => {
  const { giving, desk, told, isTold, tell } = await stage(t);
  desk.subscribe('app.news', () => {}, tell('plain'));
  desk.subscribe('app.news', () => {}, { retained: true, ...tell('retained') });
  await settled(desk);
  giving.takeAway(35, 'app.news', NOT_AUTHORIZED);
  await isTold(2);
  assert.deepEqual(told.sort(), ['plain stands', 'retained stands']);
});

test('what is lost and nobody wants any more is not asked for again', async (t) => {
  const { giving, desk, tell, lacks } = await stage(t);
  const leave = desk.subscribe('app.news', () => {}, tell('news'));
  const withdraw = desk.register('app.own', () => null, tell('own'));
  // One with options is kept until it is over.
  desk.subscribe('app.news.old', () => {}, { retained: true })();
  await settled(desk);
  giving.deny('app.news', 'app.news.old', 'app.own');
  await lacks('app.news', 'app.own');
  leave();
  withdraw();
  assert.deepEqual(desk.missing, []);
  const before = giving.asked.length;
  desk.wake();
  await settled(desk);
  assert.equal(giving.asked.length, before);
  assert.equal(giving.asked.filter((it) => it === 'subscribe app.news.old').length, 1);
});

test('while nobody looks nothing is asked for again, and at once when somebody does', async (t) => {
  let isWatched = true, looked = 0;
  let twice = (): void => {};
  const isAsked = new Promise<void>((resolve) => { twice = resolve; });
  const look = (): boolean => {
    // Each pause asks whether somebody looks.
    if (!isWatched && (looked += 1) === 2) twice();
    return isWatched;
  };
  const { giving, desk, isTold, tell } = await stage(t, { isWatched: look, heartbeatMs: FOR_EVER_MS });
  giving.refused.set('app.news', NOT_AUTHORIZED);
  isWatched = false;
  desk.subscribe('app.news', () => {}, tell('news'));
  await isAsked;
  assert.equal(giving.asked.length, 1);
  giving.refused.clear();
  isWatched = true;
  desk.wake();
  assert.equal((await isTold(2))[1], 'news stands');
});

test('when the desktop says that the device may do something else, what is missing is asked for at once', async (t) => {
  const { giving, router, desk, isTold, tell } = await stage(t, { missingMs: FOR_EVER_MS, heartbeatMs: FOR_EVER_MS });
  giving.refused.set('app.news', NOT_AUTHORIZED);
  desk.subscribe('app.news', () => {}, tell('news'));
  await isTold(1);
  giving.refused.clear();
  router.info = { ...router.info, role: 'bus' };
  giving.event(OWN, null);
  assert.equal((await isTold(2))[1], 'news stands');
});

test('what is missing stays so without a session, and is asked for in the next', async (t) => {
  const { giving, router, desk, isTold, tell, lacks } = await stage(t, { missingMs: FOR_EVER_MS });
  giving.refused.set('app.news', NOT_AUTHORIZED);
  desk.subscribe('app.news', () => {}, tell('news'));
  await isTold(1);
  router.sessions.splice(0);
  router.listen(false);
  giving.session.guest!.socket.terminate();
  await new Promise<void>((resolve) => desk.onStatus(({ at }) => at === 'waiting' && resolve()));
  await lacks('app.news');
  giving.refused.clear();
  router.listen(true);
  desk.retry();
  assert.equal((await isTold(2))[1], 'news stands');
  assert.equal(desk.session, 2);
  await lacks();
});

test('a failure that a program makes of being told is its own', async (t) => {
  const { giving, desk, isTold, tell } = await stage(t);
  const later = globalThis.queueMicrotask;
  const thrown = new Promise<unknown>((resolve) => {
    t.mock.method(globalThis, 'queueMicrotask', (act: () => void) => later(() => {
      try { act(); } catch (error) { resolve(error); }
    }));
  });
  giving.refused.set('app.news', NOT_AUTHORIZED);
  desk.subscribe('app.news', () => {}, { onError: () => { throw new Error('of the program'); } });
  desk.subscribe('app.news', () => {}, tell('news'));
  assert.equal((await thrown as Error).message, 'of the program');
  giving.refused.clear();
  assert.deepEqual((await isTold(2))[1], 'news stands');
});

test('what was taken away has a sentence', () => {
  const failure = new TakenAway('wamp.registration.taken_over');
  assert.ok(failure instanceof CallFailed);
  assert.equal(failure.message, 'the desktop has taken it away: wamp.registration.taken_over');
});
