import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRESH, MAX_MINUTES, MAX_NUDGES, clock, elapsed, hold, nudges, readMinutes, run } from '../src/pure/timer.js';

test('a talk runs, stands still and goes on', () => {
  const running = run(FRESH, 1000);
  assert.equal(elapsed(running, 4000), 3000);
  const held = hold(running, 4000);
  assert.equal(elapsed(held, 9000), 3000);
  assert.equal(elapsed(run(held, 9000), 10_000), 4000);
  assert.equal(run(running, 5000), running, 'starting again changes nothing');
});

test('a clock that is set back does not make a talk negative', () => {
  assert.equal(elapsed(run(FRESH, 5000), 1000), 0);
});

test('times are written as on a clock, with a minus when overdrawn', () => {
  assert.deepEqual([0, 999, 60_000, 299_001, 3_600_000, -1, -61_000].map(clock), ['0:00', '0:01', '1:00', '5:00', '1:00:00', '−0:01', '−1:01']);
});

test('a nudge comes once, when its minute is reached', () => {
  const minute = 60_000;
  assert.deepEqual(nudges(0, 15 * minute - 1, 20, [5, 1, 0]), []);
  assert.deepEqual(nudges(15 * minute - 1, 15 * minute, 20, [5, 1, 0]), [5]);
  assert.deepEqual(nudges(15 * minute, 16 * minute, 20, [5, 1, 0]), []);
  assert.deepEqual(nudges(18 * minute, 25 * minute, 20, [5, 1, 0]), [1, 0], 'a phone that slept tells both');
});

test('no nudge is due before the talk has begun', () => {
  assert.deepEqual(nudges(-1, 1, 5, [5, 10]), []);
});

test('minutes are read as they are typed, largest first and each once', () => {
  assert.deepEqual(readMinutes('1, 10;5 5'), [10, 5, 1]);
  assert.deepEqual(readMinutes(''), []);
  for (const text of ['x', '1.5', '-1', `${MAX_MINUTES + 1}`]) assert.equal(readMinutes(text), null, text);
  const count = (length: number): string => Array.from({ length }, (_, index) => index).join(' ');
  assert.equal(readMinutes(count(MAX_NUDGES))?.length, MAX_NUDGES);
  assert.equal(readMinutes(count(MAX_NUDGES + 1)), null);
  assert.deepEqual(readMinutes(`${MAX_MINUTES}`), [MAX_MINUTES]);
});
