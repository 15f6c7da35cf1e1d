// What a desktop refuses is told to who asked for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { type CallFailed, Desktop, type PlainSocketClass } from '../src/index.js';
import { type Kept, ScriptedRouter } from './scripted_router.js';

const NOT_AUTHORIZED = 'wamp.error.not_authorized';

/** Lets nobody listen or offer anything. */
function strict(session: Kept, [kind, request]: any[]): void {
  if (kind === 32 || kind === 64) session.send([8, kind, request, {}, NOT_AUTHORIZED, ['the role may not do that']]);
}

test('who may not listen or offer is told so in each session, and without a listener the console is', async (t) => {
  const router = await ScriptedRouter.start({ withinS: 0, onMessage: strict });
  const desktop = new Desktop(router.membership(), { WebSocket: WebSocket as unknown as PlainSocketClass });
  t.after(async () => {
    desktop.close();
    await router.stop();
  });
  let heard: string[] = [];
  let has = (): void => {};
  const hear = (word: string): void => {
    heard.push(word);
    has();
  };
  const four = (): Promise<string[]> => new Promise((resolve) => {
    has = () => {
      if (heard.length < 4) return;
      resolve(heard.sort());
      heard = [];
    };
    has();
  });
  t.mock.method(console, 'warn', (line: string) => hear(line));
  const told = (what: string) => ({ onError: ({ uri, message }: CallFailed) => hear(`${what}: ${uri} ${message}`) });
  desktop.subscribe('app.told', () => {}, told('subscribe'));
  desktop.register('app.told', () => null, told('register'));
  desktop.subscribe('app.untold', () => {});
  desktop.register('app.untold', () => null);
  const all = [
    'deskconn: app.untold cannot be listened to: the role may not do that',
    'deskconn: app.untold cannot be registered: the role may not do that',
    `register: ${NOT_AUTHORIZED} the role may not do that`,
    `subscribe: ${NOT_AUTHORIZED} the role may not do that`,
  ];
  assert.deepEqual(await four(), all);
  router.sessions[0]!.guest!.socket.terminate();
  assert.deepEqual(await four(), all, 'in the next session too');
});
