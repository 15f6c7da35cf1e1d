import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Info } from '@deskconn/client';
import { BAR_PLACES, SCREENS, barOf, firstOf, screensOf } from '../src/screens.js';

const info = (procedures: string[], described: unknown[] = []): Info =>
  ({ name: '', id: '', version: '', components: [], missing: {}, role: '', grants: [], topics: [], sessions: 1, procedures: procedures.map((it) => `org.deskconn.${it}`), described }) as unknown as Info;
const routes = (it: Info): string[] => screensOf(it).map(({ route }) => route);
const ALWAYS = ['desktops', 'access', 'settings'];

test('a device sees the screens of what it may call, and nothing else', () => {
  assert.deepEqual(routes(info(['slides.next'])), ['slides', ...ALWAYS]);
  assert.deepEqual(routes(info(['volume.get', 'keyboard.type'])), ['media', 'pointer', ...ALWAYS]);
  assert.deepEqual(routes(info([])), ALWAYS);
});

test('a list of commands without the right to run them is no screen', () => {
  assert.deepEqual(routes(info(['command.list'])), ALWAYS);
  assert.deepEqual(routes(info(['command.run'])), ['commands', ...ALWAYS]);
});

test('what others describe has a screen as long as there is some', () => {
  assert.deepEqual(routes(info([], [{ uri: 'a.b' }])), ['apps', ...ALWAYS]);
});

test('the bar holds as many as there are places, one of them for the rest', () => {
  const all = SCREENS.flatMap(({ functions }) => functions.map((name) => `${name}.x`));
  const screens = screensOf(info([...all, 'command.run']));
  assert.equal(barOf(screens).length, BAR_PLACES - 1);
  assert.equal(screens.length, SCREENS.length - 1, 'nothing is described');
});

test('a device begins with its first function, or is told that it has none', () => {
  assert.equal(firstOf(screensOf(info(['media.play', 'slides.next'])))?.route, 'slides');
  assert.equal(firstOf(screensOf(info(['gpio.list'])))?.route, 'switches');
  assert.equal(firstOf(screensOf(info([])))?.route, 'access');
});

test('routes are names that an address can carry, each once', () => {
  const all = SCREENS.map(({ route }) => route);
  assert.equal(new Set(all).size, all.length);
  for (const route of all) assert.match(route, /^[a-z]{1,32}$/);
});
