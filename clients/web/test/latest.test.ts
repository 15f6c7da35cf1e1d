import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { INTERVAL_MS, Latest } from '../src/pure/latest.js';

/** Answers a send when the test says so. */
function desk() {
  const sent: number[] = [];
  const waiting: (() => void)[] = [];
  let idle = 0;
  const sink = {
    send: (value: number) => {
      sent.push(value);
      return new Promise<void>((resolve) => waiting.push(resolve));
    },
    onIdle: () => {
      idle += 1;
    },
  };
  const answer = async (): Promise<void> => {
    waiting.shift()?.();
    for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
  };
  return { sent, sink, answer, idles: () => idle };
}

async function withClock(run: (tick: (ms: number) => void) => Promise<void>): Promise<void> {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    await run((ms) => mock.timers.tick(ms));
  } finally {
    mock.timers.reset();
  }
}

test('the first value goes at once, the last always, and those between only when there is time', () => withClock(async (tick) => {
  const { sent, sink, answer } = desk();
  const latest = new Latest<number>(sink);
  for (const value of [1, 2, 3]) latest.push(value);
  assert.deepEqual(sent, [1]);
  await answer();
  assert.deepEqual(sent, [1], 'not earlier than the interval');
  tick(INTERVAL_MS);
  assert.deepEqual(sent, [1, 3]);
}));

test('a slow desktop has one call at a time', () => withClock(async (tick) => {
  const { sent, sink, answer } = desk();
  const latest = new Latest<number>(sink);
  latest.push(1);
  latest.push(2);
  tick(10 * INTERVAL_MS);
  assert.deepEqual(sent, [1]);
  await answer();
  assert.deepEqual(sent, [1, 2]);
}));

test('ten values a second at most', () => withClock(async (tick) => {
  const { sent, sink, answer } = desk();
  const latest = new Latest<number>(sink);
  for (let ms = 0; ms < 1000; ms += 10) {
    latest.push(ms);
    await answer();
    tick(10);
  }
  assert.ok(sent.length <= 11 && sent.length >= 9, `${sent.length} calls`);
}));

test('it says once when nothing is under way any more, also after a failure', () => withClock(async (tick) => {
  let idle = 0;
  const latest = new Latest<number>({ send: () => Promise.reject(new Error('no')), onIdle: () => { idle += 1; } });
  latest.push(1);
  assert.equal(latest.isBusy, true);
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
  assert.equal(idle, 0);
  tick(INTERVAL_MS);
  assert.equal(idle, 1);
  assert.equal(latest.isBusy, false);
}));

test('what waits is forgotten when it is stopped', () => withClock(async (tick) => {
  const { sent, sink, answer } = desk();
  const latest = new Latest<number>(sink);
  latest.push(1);
  latest.push(2);
  latest.stop();
  await answer();
  tick(INTERVAL_MS);
  assert.deepEqual(sent, [1]);
}));

test('what waits is merged where that is asked for, and flushed before what comes next', () => withClock(async (tick) => {
  const { sent, sink, answer } = desk();
  const latest = new Latest<number>({ ...sink, merge: (waiting, newer) => waiting + newer });
  for (const value of [1, 2, 3]) latest.push(value);
  latest.flush();
  assert.deepEqual(sent, [1, 5]);
  latest.flush();
  assert.deepEqual(sent, [1, 5], 'nothing waits');
  await answer();
  tick(INTERVAL_MS);
  assert.deepEqual(sent, [1, 5]);
}));
