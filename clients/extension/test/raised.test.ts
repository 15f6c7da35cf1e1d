import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Display, type Memory, NOTHING, SILENCE_MS, type Wish, began, chosen, closed, decide, ended, isAtRest, wasSet, withoutSilent } from '../src/raised.js';

const FIRST: Wish = { percent: 100, which: 'first' };
const ALL: Wish = { percent: 90, which: 'all' };

function displays(internal: number, external?: number): Display[] {
  const panel: Display = { id: 'panel', kind: 'internal', percent: internal };
  return external === undefined ? [panel] : [{ id: 'DP-1', kind: 'external', percent: external }, panel];
}

/** A video that is full screen, with the brightness raised for it. */
function raisedFrom(percent: number, wish = FIRST): Memory {
  const { memory } = decide(began(NOTHING, 1, 0, 0), displays(percent), wish);
  return wasSet(memory, 'panel', wish.percent);
}

describe('a video goes full screen', () => {
  test('the built-in display rises, and what it had is kept before it is set', () => {
    const { memory, sets, returns } = decide(began(NOTHING, 1, 0, 0), displays(40, 20), FIRST);
    assert.deepEqual(sets, [{ id: 'panel', percent: 100 }]);
    assert.deepEqual(memory.raised, [{ id: 'panel', before: 40, set: 100, isPending: true }]);
    assert.equal(returns, false);
  });

  test('all displays rise where that is wished for, but one that is brighter stays', () => {
    assert.deepEqual(decide(began(NOTHING, 1, 0, 0), displays(40, 20), ALL).sets, [{ id: 'panel', percent: 90 }, { id: 'DP-1', percent: 90 }]);
    assert.deepEqual(decide(began(NOTHING, 1, 0, 0), displays(95, 20), ALL).sets, [{ id: 'DP-1', percent: 90 }]);
    assert.deepEqual(chosen([], FIRST), []);
  });

  test('a display that is as bright already is not touched, neither now nor afterwards', () => {
    const { memory, sets } = decide(began(NOTHING, 1, 0, 0), displays(100), FIRST);
    assert.deepEqual([sets, memory.raised], [[], []]);
    assert.deepEqual(decide(ended(memory, 1, 0), displays(100), FIRST).sets, []);
  });

  test('a second one changes nothing, and the brightness stays until both are over', () => {
    const both = began(raisedFrom(40), 2, 3, 0);
    assert.deepEqual(decide(both, displays(100), FIRST).sets, []);
    const one = ended(both, 1, 0);
    assert.deepEqual(decide(one, displays(100), FIRST).sets, []);
    assert.deepEqual(decide(ended(one, 2, 3), displays(100), FIRST).sets, [{ id: 'panel', percent: 40 }]);
  });

  test('one that is told of twice is still one', () => {
    const twice = began(began(NOTHING, 1, 0, 0), 1, 0, 5);
    assert.deepEqual(twice.viewers, [{ tab: 1, frame: 0, heardAt: 5 }]);
  });
});

describe('the video leaves full screen', () => {
  test('the brightness returns to what it was', () => {
    const { memory, sets, returns } = decide(ended(raisedFrom(40), 1, 0), displays(100), FIRST);
    assert.deepEqual(sets, [{ id: 'panel', percent: 40 }]);
    assert.ok(returns && isAtRest(memory));
  });

  test('it returns from where the display really went, which has fewer steps', () => {
    const coarse = wasSet(decide(began(NOTHING, 1, 0, 0), displays(40), ALL).memory, 'panel', 86);
    for (const shown of [85, 86, 87]) assert.equal(decide(ended(coarse, 1, 0), displays(shown), ALL).sets.length, 1, `${shown}`);
    for (const shown of [84, 88]) assert.equal(decide(ended(coarse, 1, 0), displays(shown), ALL).sets.length, 0, `${shown}`);
  });

  test('it stays where somebody moved it', () => {
    const { memory, sets } = decide(ended(raisedFrom(40), 1, 0), displays(70), FIRST);
    assert.deepEqual(sets, []);
    assert.ok(isAtRest(memory));
  });

  test('it stays too where somebody moved it there and back while the video played', () => {
    const moved = decide(raisedFrom(40), displays(70), FIRST).memory;
    assert.deepEqual(moved.raised, []);
    assert.deepEqual(decide(moved, displays(100), FIRST).sets, [], 'it is not raised again');
    assert.deepEqual(decide(ended(moved, 1, 0), displays(100), FIRST).sets, []);
  });

  test('of two displays the one returns that nobody moved', () => {
    let memory = decide(began(NOTHING, 1, 0, 0), displays(40, 20), ALL).memory;
    memory = wasSet(wasSet(memory, 'panel', 90), 'DP-1', 90);
    assert.deepEqual(decide(ended(memory, 1, 0), displays(55, 90), ALL).sets, [{ id: 'DP-1', percent: 20 }]);
  });

  test('a monitor that sleeps for a moment counts as not moved, one that is gone is not set', () => {
    let memory = decide(began(NOTHING, 1, 0, 0), displays(40, 20), ALL).memory;
    memory = wasSet(wasSet(memory, 'panel', 90), 'DP-1', 90);
    const asleep = decide(memory, displays(90), ALL).memory;
    assert.deepEqual(decide(ended(asleep, 1, 0), displays(90, 90), ALL).sets.map(({ id }) => id), ['panel', 'DP-1']);
    assert.deepEqual(decide(ended(asleep, 1, 0), displays(90), ALL).sets, [{ id: 'panel', percent: 40 }]);
  });

  test('the next video raises it again', () => {
    const { memory } = decide(ended(raisedFrom(40), 1, 0), displays(100), FIRST);
    assert.deepEqual(decide(began(memory, 1, 0, 9), displays(40), FIRST).sets, [{ id: 'panel', percent: 100 }]);
  });
});

describe('tabs and frames come to an end', () => {
  test('a tab that is closed takes all its frames with it', () => {
    const frames = began(began(raisedFrom(40), 1, 4, 0), 2, 0, 0);
    assert.deepEqual(closed(frames, 1).viewers, [{ tab: 2, frame: 0, heardAt: 0 }]);
  });

  test('a frame that is silent for too long is gone, not a moment sooner', () => {
    const memory = began(NOTHING, 1, 0, 1000);
    assert.equal(withoutSilent(memory, 1000 + SILENCE_MS - 1).viewers.length, 1);
    assert.equal(withoutSilent(memory, 1000 + SILENCE_MS).viewers.length, 0);
    assert.equal(withoutSilent(memory, 0).viewers.length, 1, 'the clock was set back');
  });
});

describe('the worker ends in the middle', () => {
  const pending = decide(began(NOTHING, 1, 0, 0), displays(40), FIRST).memory;

  test('before the display was set: it is set then', () => {
    assert.deepEqual(decide(pending, displays(40), FIRST).sets, [{ id: 'panel', percent: 100 }]);
  });

  test('after the display was set and before that was kept: it is kept then', () => {
    const { memory, sets } = decide(pending, displays(100), FIRST);
    assert.deepEqual(sets, []);
    assert.deepEqual(memory.raised, [{ id: 'panel', before: 40, set: 100, isPending: false }]);
    assert.deepEqual(decide(ended(pending, 1, 0), displays(100), FIRST).sets, [{ id: 'panel', percent: 40 }]);
  });

  test('after the brightness returned and before that was kept: nothing is set twice', () => {
    assert.deepEqual(decide(ended(raisedFrom(40), 1, 0), displays(40), FIRST).sets, []);
  });

  test('a display that was set and then moved is not set again', () => {
    assert.deepEqual(decide(pending, displays(70), FIRST).sets, []);
    assert.deepEqual(decide(raisedFrom(40), displays(40), FIRST).sets, [], 'somebody put it back by hand');
  });

  test('what the desktop could not set is not waited for', () => {
    assert.deepEqual(wasSet(pending, 'panel', null).raised, []);
    assert.deepEqual(wasSet(NOTHING, 'panel', null), NOTHING);
  });
});
