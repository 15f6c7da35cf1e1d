import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupsOf, inWords, readItem } from '../src/pure/described.js';

const item = (change: object): unknown => ({ uri: 'org.deskconn.app.lamp', title: 'Lamp', kind: 'toggle', by: 'house', ...change });

test('each kind becomes its control', () => {
  for (const kind of ['button', 'toggle', 'text', 'value']) assert.equal(readItem(item({ kind }))?.kind, kind);
  assert.deepEqual(readItem(item({ kind: 'slider', min: 0, max: 255, step: 5 })), {
    uri: 'org.deskconn.app.lamp', title: 'Lamp', kind: 'slider', by: 'house', group: '', icon: null, topic: null, min: 0, max: 255, step: 5,
  });
});

test('a value without a topic is its own', () => {
  assert.equal(readItem(item({ kind: 'value' }))?.topic, 'org.deskconn.app.lamp');
  assert.equal(readItem(item({ kind: 'value', topic: 'org.deskconn.app.is' }))?.topic, 'org.deskconn.app.is');
  assert.equal(readItem(item({ kind: 'toggle' }))?.topic, null);
});

test('a slider without a step moves in whole numbers, or finely over a short way', () => {
  const step = (min: number, max: number): unknown => (readItem(item({ kind: 'slider', min, max })) as { step: number }).step;
  assert.equal(step(0, 100), 1);
  assert.equal(step(0, 1), 0.01);
});

test('kinds that are not known and sliders without a way are named, not drawn', () => {
  const broken = [{ kind: 'lever' }, { kind: undefined }, { kind: 5 }, { kind: 'slider' }, { kind: 'slider', min: 5, max: 5 }, { kind: 'slider', min: '0', max: 9 }, { kind: 'slider', min: -Infinity, max: 9 }];
  for (const change of broken) assert.equal(readItem(item(change))?.kind, 'unknown', JSON.stringify(change));
});

test('what is no description at all is left out, whatever it is', () => {
  for (const value of [null, undefined, 5, 'text', [], {}, { uri: 5 }, { uri: '' }, { title: 'without' }]) assert.equal(readItem(value), null);
  assert.deepEqual(groupsOf('nothing'), []);
  assert.deepEqual(groupsOf([null, item({}), 7]).length, 1);
});

test('titles are cleaned and cut, and a missing one is the URI', () => {
  assert.equal(readItem(item({ title: 'a\u202Eb' }))?.title, 'ab');
  assert.equal(readItem(item({ title: 'x'.repeat(500) }))?.title.length, 128);
  assert.equal(readItem(item({ title: 5 }))?.title, 'org.deskconn.app.lamp');
});

test('items stand in their groups, those without one under who offers them', () => {
  const groups = groupsOf([item({ group: 'Door' }), item({}), item({ group: 'Door', title: 'Bell' }), item({ by: undefined })]);
  assert.deepEqual(groups.map(({ title, items }) => [title, items.length]), [['Door', 2], ['house', 1], ['Other', 1]]);
});

test('values of any kind fit into a line', () => {
  assert.deepEqual([true, false, null, undefined, 21.50001, 'a\nb', { x: 1 }, [1, 'b']].map(inWords), ['on', 'off', '–', '–', '21.5', 'ab', '{"x":1}', '[1,"b"]']);
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  assert.equal(inWords(loop), '–');
  assert.equal(inWords('x'.repeat(1000)).length, 300);
});
