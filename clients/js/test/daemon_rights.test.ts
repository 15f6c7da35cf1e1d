// Rights that a device loses and gets back, with a real deskconnd whose owner takes and gives them.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { Desktop, type DesktopOptions, type Membership, NOT_AUTHORIZED, type PlainSocketClass, TakenAway, pairWith, parseCode } from '../src/index.js';
import { BINARIES, Daemon } from './daemon_process.js';

const Plain = WebSocket as unknown as PlainSocketClass;
const NEWS = 'org.deskconn.app.test.news';
const OWN = 'org.deskconn.app.test.own';
const FOR_EVER_MS = 3_600_000;

/** Settles when exactly this is missing. */
function lacks(desk: Desktop, ...uris: string[]): Promise<void> {
  return new Promise((resolve) => {
    desk.onMissing((missing) => String(missing.map(({ uri }) => uri)) === String(uris) && resolve());
  });
}

/** Settles when the device was told that it has this role. */
function isTold(desk: Desktop, role: string): Promise<void> {
  return new Promise((resolve) => desk.onInfo((info) => info?.role === role && resolve()));
}

describe('the rights of a device', { skip: BINARIES === null && 'DESKCONN_BINDIR names no programs' }, () => {
  let daemon: Daemon;
  let member: Membership, other: Membership;
  const open: Desktop[] = [];

  async function paired(): Promise<Membership> {
    const window = await daemon.window(true, 'role=bus');
    const request = { secret: { code: parseCode(window.code)! }, name: 'a phone', kind: 'lib' as const, keep: () => {}, WebSocket: Plain };
    const [membership] = await Promise.all([pairWith({ host: '127.0.0.1', port: daemon.port }, request), window.question]);
    return membership;
  }

  async function joined(membership: Membership, options: DesktopOptions = {}): Promise<Desktop> {
    const desk = new Desktop(membership, { WebSocket: Plain, ...options });
    open.push(desk);
    await new Promise<void>((resolve) => desk.onStatus(({ at }) => at === 'open' && resolve()));
    return desk;
  }

  const become = (role: string): Promise<unknown> => daemon.call('org.deskconn.devices.set_role', member.joined.device_id, role);

  before(async () => {
    daemon = await Daemon.start();
    [member, other] = [await paired(), await paired()];
  });
  afterEach(() => open.splice(0).forEach((it) => it.close()));
  after(() => daemon.stop());

  for (const [when, options, notices] of [
    ['after a pause', { missingMs: 100, heartbeatMs: FOR_EVER_MS }, async () => {}],
    ['as soon as the desktop says what it may do', { missingMs: FOR_EVER_MS, heartbeatMs: 100 }, isTold],
  ] as const) {
    test(`that are lost and given back bring its subscriptions and procedures back, ${when}`, async () => {
      const [desk, far] = [await joined(member, options), await joined(other)];
      const told: string[] = [];
      let hear = (_: unknown): void => {};
      const heard = new Promise((resolve) => { hear = resolve; });
      const tell = (name: string) => ({ onError: ({ uri }: { uri: string }) => told.push(`${name} ${uri}`), onStands: () => told.push(`${name} stands`) });
      desk.subscribe(NEWS, ({ args }) => hear(args[0]), tell('news'));
      desk.register(OWN, () => 'served', tell('own'));
      await desk.call('org.deskconn.info.get');
      await become('remote');
      await lacks(desk, NEWS, OWN);
      await assert.rejects(far.call(OWN));
      await notices(desk, 'remote');
      await become('bus');
      await lacks(desk);
      assert.deepEqual(told.sort(), ['news stands', `news ${NOT_AUTHORIZED}`, 'own stands', `own ${NOT_AUTHORIZED}`]);
      await far.publish(NEWS, [7]);
      assert.equal(await heard, 7);
      assert.deepEqual((await far.call(OWN)).args, ['served']);
      assert.equal(desk.session, 1);
    });
  }

  test('do not bring back what the owner took away by hand: another device has it then', async () => {
    const [desk, far] = [await joined(member, { missingMs: 100 }), await joined(other)];
    const taken = (name: 'subscribe' | 'register'): Promise<unknown> => new Promise((resolve) => {
      const options = { onError: resolve };
      if (name === 'subscribe') desk.subscribe(NEWS, () => assert.fail('it hears something'), options);
      else desk.register(OWN, () => 'mine', options);
    });
    const both = Promise.all([taken('subscribe'), taken('register')]);
    await desk.call('org.deskconn.info.get');
    const subscription = await daemon.call<number>('wamp.subscription.lookup', NEWS);
    const [subscriber] = await daemon.call<number[]>('wamp.subscription.list_subscribers', String(subscription));
    await daemon.call('wamp.subscription.remove_subscriber', String(subscription), String(subscriber));
    const registration = await daemon.call<number>('wamp.registration.lookup', OWN);
    const [callee] = await daemon.call<number[]>('wamp.registration.list_callees', String(registration));
    await daemon.call('wamp.registration.remove_callee', String(registration), String(callee));
    for (const failure of await both) assert.ok(failure instanceof TakenAway && failure.uri === 'wamp.close.normal', String(failure));
    assert.deepEqual(desk.missing, []);
    // It is asked for again neither now nor when the rights change.
    await become('remote');
    await become('bus');
    far.register(OWN, () => 'theirs');
    await far.call('org.deskconn.info.get');
    assert.deepEqual((await desk.call(OWN)).args, ['theirs']);
    await far.publish(NEWS, [1]);
    await desk.call('org.deskconn.info.get');
  });
});
