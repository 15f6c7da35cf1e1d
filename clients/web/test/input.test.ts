import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chord, pieces } from '../src/pure/keys.js';
import { MAX_OUTPUT_CHARS, append, ending, readChunk } from '../src/pure/output.js';
import { MAX_PICTURE_BYTES, pictureOf } from '../src/pure/picture.js';
import { afterEvent, positionOf, readPlayers } from '../src/pure/players.js';
import { SWIPE_MS, SWIPE_PX, actionOfKey, actionOfSwipe } from '../src/pure/presenter.js';
import { TAP_MS, Touchpad, Whole, acceleration } from '../src/pure/touchpad.js';

const key = (key: string, more = {}): Parameters<typeof actionOfKey>[0] => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...more });

test('the keys of clickers and keyboards turn slides', () => {
  const keys = ['PageDown', 'ArrowRight', ' ', 'AudioVolumeDown', 'PageUp', 'ArrowLeft', 'AudioVolumeUp', 'F5', 'Escape', 'b', '.', 'x', 'constructor'];
  assert.deepEqual(keys.map((it) => actionOfKey(key(it), 'BODY')), ['next', 'next', 'next', 'next', 'previous', 'previous', 'previous', 'start', 'end', 'blank', 'blank', null, null]);
});

test('keys of the browser and of what has the focus are left to them', () => {
  assert.equal(actionOfKey(key('ArrowLeft', { altKey: true }), 'BODY'), null);
  assert.equal(actionOfKey(key('b', { ctrlKey: true }), 'BODY'), null);
  assert.equal(actionOfKey(key('b'), 'INPUT'), null);
  assert.equal(actionOfKey(key(' '), 'BUTTON'), null, 'it presses the button itself');
  assert.equal(actionOfKey(key('PageDown'), 'BUTTON'), 'next');
});

test('a swipe to the left is the next slide, and what is short, slow or steep is none', () => {
  assert.equal(actionOfSwipe(-SWIPE_PX, 0, 100), 'next');
  assert.equal(actionOfSwipe(SWIPE_PX, 10, SWIPE_MS), 'previous');
  assert.equal(actionOfSwipe(-SWIPE_PX + 1, 0, 100), null);
  assert.equal(actionOfSwipe(-SWIPE_PX, 0, SWIPE_MS + 1), null);
  assert.equal(actionOfSwipe(-60, 60, 100), null);
});

test('a short touch clicks, with as many fingers as there were', () => {
  for (const [fingers, button] of [[1, 'left'], [2, 'right'], [3, 'middle']] as const) {
    const pad = new Touchpad();
    for (let id = 0; id < fingers; id += 1) pad.down(id, id * 50, 0, id);
    const clicks = Array.from({ length: fingers }, (_, id) => pad.up(id, 100)).filter(Boolean);
    assert.deepEqual(clicks, [{ does: 'click', button }]);
  }
});

test('a touch that is long, or moves, clicks nothing', () => {
  const long = new Touchpad();
  long.down(1, 0, 0, 0);
  assert.equal(long.up(1, TAP_MS + 1), null);
  const moved = new Touchpad();
  moved.down(1, 0, 0, 0);
  assert.equal(moved.move(1, 5, 0, 10), null, 'a trembling finger moves nothing');
  assert.deepEqual(moved.move(1, 15, 0, 110), { does: 'move', dx: 10, dy: 0 });
  assert.equal(moved.up(1, 120), null);
});

test('two fingers scroll the way the page follows them, and the last one does not move the pointer', () => {
  const pad = new Touchpad();
  pad.down(1, 0, 0, 0);
  pad.down(2, 50, 0, 5);
  assert.deepEqual(pad.move(1, 0, 60, 50), { does: 'scroll', dx: 0, dy: -1 });
  assert.equal(pad.up(2, 60), null);
  assert.equal(pad.move(1, 100, 60, 80), null);
});

test('fingers that the pad does not know are nobody’s', () => {
  const pad = new Touchpad();
  assert.equal(pad.move(7, 1, 1, 1), null);
  assert.equal(pad.up(7, 1), null);
});

test('slow fingers aim and fast ones go further, within bounds', () => {
  assert.equal(acceleration(1, 100), 1);
  assert.ok(acceleration(10, 10) > 1);
  assert.equal(acceleration(10_000, 0), 3);
});

test('what is left of fractions is kept, so that slow movements add up', () => {
  const whole = new Whole();
  const taken = Array.from({ length: 10 }, () => whole.take(0.25, -0.25, 100));
  assert.deepEqual(taken.reduce(([x, y], [dx, dy]) => [x + dx, y + dy], [0, 0]), [2, -2]);
  assert.deepEqual(new Whole().take(500, -500, 100), [100, -100], 'one call has a bound');
});

test('modifiers stand before the key in their order', () => {
  assert.equal(chord(new Set(['shift', 'ctrl']), 't'), 'ctrl+shift+t');
  assert.equal(chord(new Set(), 'enter'), 'enter');
});

test('a long text goes in pieces, never through the middle of a character', () => {
  assert.deepEqual(pieces('ab🏠cd', 3), ['ab🏠', 'cd']);
  assert.deepEqual(pieces(''), []);
  assert.equal(pieces('x'.repeat(1000)).length, 1);
  assert.equal(pieces('x'.repeat(1001)).length, 2);
});

test('output keeps its end, and begins at a line', () => {
  const out = (text: string): { stream: 'stdout'; text: string } => ({ stream: 'stdout', text });
  assert.deepEqual(append([out('a')], out('b')), [out('ab')]);
  assert.deepEqual(append([out('one\ntwo\n')], { stream: 'stderr', text: 'bad' }, 8), [out('two\n'), { stream: 'stderr', text: 'bad' }]);
  const full = append([], out('x'.repeat(MAX_OUTPUT_CHARS)));
  assert.equal(full[0]!.text.length, MAX_OUTPUT_CHARS);
  assert.equal(append(full, out('y'))[0]!.text.length, MAX_OUTPUT_CHARS);
});

test('only pieces of output are output, and an end is said in words', () => {
  assert.deepEqual(readChunk({ stream: 'stderr', text: 'x' }), { stream: 'stderr', text: 'x' });
  for (const value of [null, 5, {}, { stream: 'other', text: 'x' }, { stream: 'stdout', text: 5 }]) assert.equal(readChunk(value), null);
  assert.equal(ending({ exit: 0 }), 'Done');
  assert.equal(ending({ exit: 3, truncated: true }), 'Ended with status 3; some output was too long and is lost');
  assert.equal(ending({ exit: null, signal: 9 }), 'Ended by signal 9');
});

test('pictures are told by their first bytes, as bytes or as JSON carries them', () => {
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2);
  assert.equal(pictureOf(png)?.type, 'image/png');
  assert.equal(pictureOf(`\0${btoa(String.fromCharCode(...png))}`)?.type, 'image/png');
  assert.equal(pictureOf(Uint8Array.of(0xff, 0xd8, 0xff, 0))?.type, 'image/jpeg');
  for (const value of [null, 'text', '\0!!', Uint8Array.of(1, 2, 3), new TextEncoder().encode('<svg onload=x>')]) assert.equal(pictureOf(value), null);
  const sized = (length: number): Uint8Array => Object.assign(new Uint8Array(length), { 0: 0xff, 1: 0xd8, 2: 0xff });
  assert.notEqual(pictureOf(sized(MAX_PICTURE_BYTES)), null);
  assert.equal(pictureOf(sized(MAX_PICTURE_BYTES + 1)), null);
});

test('players keep their places when one of them changes, comes or goes', () => {
  const player = (id: string, more = {}): object => ({ id, name: id, status: 'paused', title: null, artist: null, album: null, length_s: 100, position_s: 10, art: null, can: {}, ...more });
  const two = readPlayers([player('a'), player('b'), null, { id: 'broken' }], 0);
  const ids = (list: { id: string }[]): string => list.map(({ id }) => id).join('');
  assert.equal(ids(two), 'ab');
  assert.equal(ids(afterEvent(two, player('b', { status: 'playing' }), 5)), 'ab');
  assert.equal(ids(afterEvent(two, player('c'), 5)), 'cab');
  assert.equal(ids(afterEvent(two, { id: 'a', gone: true }, 5)), 'b');
  for (const broken of [null, 5, {}, { id: 'a' }]) assert.equal(ids(afterEvent(two, broken, 5)), 'ab');
});

test('a position runs on while it plays, to the end and no further', () => {
  const [player] = readPlayers([{ id: 'a', status: 'playing', length_s: 100, position_s: 10, can: {} }], 1000);
  assert.equal(positionOf(player!, 6000), 15);
  assert.equal(positionOf(player!, 1e9), 100);
  assert.equal(positionOf({ ...player!, status: 'paused' }, 6000), 10);
  assert.equal(positionOf({ ...player!, position_s: null }, 6000), null);
});
