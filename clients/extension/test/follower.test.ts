import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CallFailed, LOST, OFFLINE } from '@deskconn/client';
import { Follower, type Screen, type Store } from '../src/follower.js';
import { type Display, type Memory, NOTHING, type Wish, began, closed, ended } from '../src/raised.js';

/** The storage of a browser, which outlives workers. */
class Kept implements Store {
  now: Memory = NOTHING;
  wished: Wish = { percent: 100, which: 'first' };
  memory = async (): Promise<Memory> => structuredClone(this.now);
  keep = async (memory: Memory): Promise<void> => { this.now = structuredClone(memory); };
  wish = async (): Promise<Wish> => this.wished;
}

/** A desktop with one display. */
class Desktop implements Screen {
  isOpen = true;
  percent = 40;
  readonly sets: number[] = [];
  /** What the next `set` does instead of setting. */
  trouble: (() => never) | null = null;

  async displays(): Promise<Display[]> {
    if (!this.isOpen) throw new CallFailed(OFFLINE);
    return [{ id: 'panel', kind: 'internal', percent: this.percent }];
  }

  async set(_id: string, percent: number): Promise<number> {
    const { trouble } = this;
    this.trouble = null;
    trouble?.();
    this.sets.push(percent);
    this.percent = percent;
    return percent;
  }
}

function stage(): { kept: Kept; desktop: Desktop; needs: boolean[]; worker: () => Follower } {
  const kept = new Kept(), desktop = new Desktop(), needs: boolean[] = [];
  return { kept, desktop, needs, worker: () => new Follower(kept, desktop, (need) => needs.push(need)) };
}

const start = (memory: Memory): Memory => began(memory, 1, 0, 0);
const stop = (memory: Memory): Memory => ended(memory, 1, 0);

describe('what is decided is done', () => {
  test('raised, returned, and then nobody needs the desktop any more', async () => {
    const { desktop, needs, worker } = stage();
    const follower = worker();
    await follower.follow(start);
    assert.equal(desktop.percent, 100);
    assert.equal(needs.at(-1), true);
    await follower.follow(stop);
    assert.equal(desktop.percent, 40);
    assert.equal(needs.at(-1), false);
  });

  test('one thing after the other, however fast they come', async () => {
    const { desktop, worker } = stage();
    const follower = worker();
    await Promise.all([follower.follow(start), follower.follow(stop), follower.follow(start), follower.follow((memory) => closed(memory, 1))]);
    assert.deepEqual(desktop.sets, [100, 40, 100, 40]);
  });

  test('a failure of one step does not keep the next from happening', async () => {
    const { kept, desktop, worker } = stage();
    const follower = worker();
    const { wish } = kept;
    kept.wish = async () => { throw new Error('the disk is full'); };
    await assert.rejects(follower.follow(start), /the disk is full/);
    kept.wish = wish;
    await follower.follow();
    assert.equal(desktop.percent, 100);
  });
});

describe('the worker was ended', () => {
  test('another one returns what the first raised', async () => {
    const { desktop, worker } = stage();
    await worker().follow(start);
    await worker().follow(stop);
    assert.deepEqual(desktop.sets, [100, 40]);
  });

  test('the browser was closed: its tabs are gone, what was raised is not forgotten', async () => {
    const { kept, desktop, worker } = stage();
    await worker().follow(start);
    kept.now = { ...kept.now, viewers: [] };
    await worker().follow();
    assert.equal(desktop.percent, 40);
  });

  test('in the moment in which it set the display', async () => {
    const { kept, desktop, worker } = stage();
    const { keep } = kept;
    // What is kept after the display was set is not kept any more.
    kept.keep = async (memory) => {
      if (desktop.percent === 100) throw new Error('it is gone');
      await keep(memory);
    };
    await assert.rejects(worker().follow(start), /it is gone/);
    kept.keep = keep;
    await worker().follow(stop);
    assert.equal(desktop.percent, 40);
    assert.deepEqual(kept.now, NOTHING);
  });
});

describe('the desktop is away', () => {
  test('when the video begins: it rises when the desktop is there', async () => {
    const { desktop, needs, worker } = stage();
    desktop.isOpen = false;
    const follower = worker();
    await follower.follow(start);
    assert.deepEqual([desktop.percent, needs.at(-1)], [40, true]);
    desktop.isOpen = true;
    await follower.follow();
    assert.equal(desktop.percent, 100);
  });

  test('when the video is over before it came back: nothing happens', async () => {
    const { desktop, needs, worker } = stage();
    desktop.isOpen = false;
    const follower = worker();
    await follower.follow(start);
    await follower.follow(stop);
    assert.equal(needs.at(-1), false);
    desktop.isOpen = true;
    await follower.follow();
    assert.deepEqual(desktop.sets, []);
  });

  test('when the video ends: it returns when the desktop is there again', async () => {
    const { desktop, needs, worker } = stage();
    const follower = worker();
    await follower.follow(start);
    desktop.isOpen = false;
    await follower.follow(stop);
    assert.deepEqual([desktop.percent, needs.at(-1)], [100, true]);
    desktop.isOpen = true;
    await follower.follow();
    assert.deepEqual([desktop.percent, needs.at(-1)], [40, false]);
  });

  test('when it is asked: it is asked again', async () => {
    for (const wasHeard of [false, true]) {
      const { desktop, worker } = stage();
      const follower = worker();
      desktop.trouble = () => {
        if (wasHeard) desktop.percent = 100;
        throw new CallFailed(LOST);
      };
      await follower.follow(start);
      await follower.follow();
      assert.equal(desktop.percent, 100);
      desktop.trouble = () => { throw new CallFailed(LOST); };
      await follower.follow(stop);
      await follower.follow();
      assert.equal(desktop.percent, 40, `heard: ${wasHeard}`);
    }
  });

  test('what it refuses to set is left alone', async () => {
    const { kept, desktop, worker } = stage();
    const follower = worker();
    desktop.trouble = () => { throw new CallFailed('org.deskconn.error.refused', 'this display cannot be set'); };
    await follower.follow(start);
    assert.deepEqual(kept.now.raised, []);
    await follower.follow(stop);
    assert.deepEqual(desktop.sets, []);
  });
});
