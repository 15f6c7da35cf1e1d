// What both ends of a session count and keep (`router/wamp/src/resumption.rs` has the same tests).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ACKNOWLEDGED_CHARACTERS, ACKNOWLEDGED_MESSAGES, Inbound, KEPT_BYTES, KEPT_MESSAGES, Outbound, UNACKNOWLEDGED_BYTES, UNACKNOWLEDGED_MESSAGES, counts, granted, kindOf,
} from '../src/resumption.js';

const message = (number: number): Uint8Array => Uint8Array.of(number & 255, number >> 8);

/** All that may be sent now. */
function flush(outbound: Outbound): number[] {
  const sent = [];
  for (let next = outbound.next(); next; next = outbound.next()) sent.push(next[0]! + 256 * next[1]!);
  return sent;
}

function sent(count: number): Outbound {
  const outbound = new Outbound();
  for (let number = 1; number <= count; number += 1) assert.ok(outbound.push(message(number)));
  flush(outbound);
  return outbound;
}

test('what arrived is forgotten, and the rest goes out again in its order, before anything new', () => {
  const outbound = sent(5);
  assert.ok(outbound.acknowledged(2));
  outbound.push(message(6));
  assert.ok(outbound.rewind(3));
  assert.deepEqual(flush(outbound), [4, 5, 6]);
  assert.ok(outbound.acknowledged(6));
  assert.deepEqual(outbound.load, [0, 0]);
});

test('more than was sent or less than before breaks the protocol', () => {
  const outbound = sent(3);
  assert.ok(outbound.acknowledged(2));
  assert.ok(!outbound.acknowledged(4));
  assert.ok(!outbound.acknowledged(1));
  assert.ok(!outbound.rewind(1));
  assert.ok(outbound.rewind(2));
  assert.deepEqual(flush(outbound), [3]);
});

test('what only waits to be sent cannot have arrived', () => {
  const outbound = sent(UNACKNOWLEDGED_MESSAGES);
  outbound.push(message(1));
  assert.ok(!outbound.acknowledged(UNACKNOWLEDGED_MESSAGES + 1));
});

test('one message more than may be unacknowledged waits, and goes when another has arrived', () => {
  const outbound = sent(UNACKNOWLEDGED_MESSAGES);
  outbound.push(message(77));
  assert.deepEqual(flush(outbound), []);
  assert.ok(outbound.acknowledged(1));
  assert.deepEqual(flush(outbound), [77]);
});

test('messages that are together longer than the window wait too, and one that is longer alone does not', () => {
  const outbound = new Outbound();
  outbound.push(new Uint8Array(UNACKNOWLEDGED_BYTES - 1));
  outbound.push(new Uint8Array(UNACKNOWLEDGED_BYTES + 1));
  outbound.push(new Uint8Array(1));
  assert.equal(flush(outbound).length, 2);
  assert.ok(outbound.acknowledged(1));
  assert.equal(flush(outbound).length, 0);
  assert.ok(outbound.acknowledged(2));
  assert.equal(flush(outbound).length, 1);
});

test('what waits is bounded by number and by bytes, and a message that is longer alone is taken', () => {
  const many = new Outbound();
  for (let number = 0; number < KEPT_MESSAGES; number += 1) assert.ok(many.push(message(number)));
  assert.ok(!many.push(message(0)));
  const long = new Outbound();
  assert.ok(long.push(new Uint8Array(KEPT_BYTES + 1)));
  assert.ok(!long.push(message(0)));
  assert.deepEqual(long.load, [1, KEPT_BYTES + 1]);
  flush(long);
  assert.ok(long.acknowledged(1));
  assert.ok(long.push(message(0)));
});

test('the other end is told in time of what arrived', () => {
  const inbound = new Inbound();
  for (let number = 1; number < ACKNOWLEDGED_MESSAGES; number += 1) {
    inbound.arrived('[36]');
    assert.ok(inbound.isBehind && !inbound.isDue);
  }
  inbound.arrived('[36]');
  assert.ok(inbound.isDue);
  assert.equal(inbound.acknowledge(), `[1001,${ACKNOWLEDGED_MESSAGES}]`);
  assert.ok(!inbound.isBehind && !inbound.isDue);
  inbound.arrived('x'.repeat(ACKNOWLEDGED_CHARACTERS));
  assert.ok(inbound.isDue);
});

test('what opens or closes a session and RECEIVED itself do not count', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 1001, 8, 16, 36, 48, 50, 68, 70].filter(counts), [8, 16, 36, 48, 50, 68, 70]);
});

test('a message is known by the number at its beginning', () => {
  assert.deepEqual(['[48,1]', ' [ 1001 , 3]', '[6]', '{"a":1}', '[]', '["48"]', '[48.5]', '[12345,1]', ''].map(kindOf), [48, 1001, 6, null, null, null, null, null, null]);
});

test('a WELCOME grants what it says whole, and nothing else', () => {
  const token = 'ab'.repeat(32);
  const grant = { resumable: true, resume_token: token, _resume_within: 120 };
  assert.deepEqual(granted(grant), { token, withinS: 120, resumed: null });
  assert.deepEqual(granted({ ...grant, resumed: true, _received: 3 }), { token, withinS: 120, resumed: 3 });
  assert.deepEqual(granted({ ...grant, resumed: false, _resume_refused: 'it was too late' }), { token, withinS: 120, resumed: null });
  for (const bad of [null, {}, { ...grant, resume_token: 7 }, { ...grant, _resume_within: -1 }]) assert.equal(granted(bad), null);
  assert.equal(granted({ ...grant, resumed: true, _received: 0.5 })!.resumed, null);
});
