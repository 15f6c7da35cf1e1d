// The exchange that docs/PAIRING.md prints: this client sends it byte for byte, and reads it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bytesToHex as hex, hexToBytes as bytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { Share, scalar } from '../src/cpace.js';
import { Identity, didOf, fingerprint, isNoiseKey, isSignKey, verify } from '../src/identity.js';
import { parseCode, parseLink } from '../src/link.js';
import * as messages from '../src/messages.js';
import { cleanText } from '../src/name.js';
import { type Introduction, Joiner, parties } from '../src/pairing.js';
import { Keys } from '../src/transcript.js';

const v = JSON.parse(readFileSync(new URL('../../../../pairing/vectors/exchange.json', import.meta.url), 'utf8'));
const identity = new Identity(bytes(v.device.sign_seed), bytes(v.device.noise_secret));
const me: Introduction = { identity, name: v.device.name, kind: v.device.kind, want: v.device.want };

test('keys and names are those of the vectors', () => {
  assert.equal(hex(identity.signPublic), v.device.sign);
  assert.equal(hex(identity.noisePublic), v.device.noise);
  assert.equal(identity.fingerprint, v.device.fingerprint);
  assert.equal(hex(didOf(bytes(v.desktop.sign))), v.desktop.did);
  assert.equal(hex(parties(bytes(v.desktop.did))), v.ci);
});

test('the device sends the frames of the vectors and reads the grant', () => {
  const code = parseCode(v.code)!;
  assert.equal(hex(utf8ToBytes(code)), v.prs);
  const joiner = new Joiner({ code }, me, { spki: bytes(v.desktop.spki) }, () => bytes(v.ya_random));
  const reply = (frame: string) => {
    const progress = joiner.receive(bytes(frame));
    assert.equal(progress.step, 'send');
    return progress.step === 'send' ? hex(progress.frame) : '';
  };
  assert.equal(reply(v.frames.hello), v.frames.pake_a);
  assert.equal(reply(v.frames.pake_b), v.frames.conf_a);
  const waiting = joiner.receive(bytes(v.frames.conf_b));
  assert.deepEqual(waiting, { step: 'waiting', desktop: v.desktop.name, fingerprint: v.device.fingerprint });
  const paired = joiner.receive(bytes(v.frames.grant));
  assert.ok(paired.step === 'paired');
  assert.equal(hex(paired.frame), v.frames.done);
  assert.deepEqual(paired.joined, {
    did: v.desktop.did, name: v.desktop.name, keys: { sign: v.desktop.sign, noise: v.desktop.noise, spki: v.desktop.spki },
    hosts: ['192.168.1.20', 'deskconn.local'], port: 5020, path: '/ws', realm: 'deskconn', device_id: 'd_t38x5mym', role: 'remote',
  });
});

test('what is hashed and derived on the way is that of the vectors', () => {
  const hello = messages.decodeHello(bytes(v.frames.hello));
  const share = new Share(scalar(bytes(v.ya_random)), bytes(v.prs), bytes(v.ci), hello.sid);
  const isk = share.initiate(messages.decodePakeB(bytes(v.frames.pake_b)), bytes(v.ad_a), bytes(v.frames.hello), hello.sid);
  assert.equal(hex(isk), v.isk);
  const keys = new Keys(isk, bytes(v.frames.hello), bytes(v.frames.pake_a), bytes(v.frames.pake_b));
  assert.equal(hex(keys.th), v.th);
  for (const label of ['Kmac_a', 'Kmac_b', 'Kenc_a', 'Kenc_b']) assert.equal(hex(keys.key(label)), v.keys[label], label);
  assert.equal(hex(keys.open('b', messages.decodeBox(bytes(v.frames.grant)))!), v.grant_plain);
  assert.equal(hex(keys.open('a', messages.decodeBox(bytes(v.frames.done)))!), v.done_plain);
  assert.equal(keys.open('a', messages.decodeBox(bytes(v.frames.grant))), null);
  assert.equal(keys.check('a', messages.decodeConfirm(bytes(v.frames.conf_a)), identity.signPublic), null);
});

test('the link is that of the vectors, and nothing else is a link', () => {
  const link = parseLink(` ${v.link}\n`)!;
  assert.equal(hex(link.secret), v.link_secret);
  assert.equal(hex(link.did), v.desktop.did.slice(0, 32));
  assert.deepEqual([link.host, link.port, link.expires], ['192.168.1.20', 5020, 1_795_254_000]);
  const payload = v.link.split('p=1.')[1];
  assert.equal(parseLink(`http://[fd00::1]:1/#p=1.${payload}`)!.host, 'fd00::1');
  const bad = ['', v.link + 'A', v.link.slice(0, -1), v.link.replace('p=1', 'p=2'), v.link.replace('http', 'https'), `http://a/#p=1.${payload}`,
    `http://a:0/#p=1.${payload}`, `http://a:65536/#p=1.${payload}`, `http://a/b:1/#p=1.${payload}`, `http://u@a:1/#p=1.${payload}`,
    `http://[a]:1/#p=1.${payload}`, `http://fd00::1:1/#p=1.${payload}`, `http://${'a'.repeat(400)}:1/#p=1.${payload}`];
  for (const text of bad) assert.equal(parseLink(text), null, text);
});

test('a code is read with and without its dash, and anything else is none', () => {
  for (const text of ['12345678', '1234-5678', '1234 5678', ' 1234-5678\n']) assert.equal(parseCode(text), '12345678');
  for (const text of ['', '1234567', '123456789', '02345678', '1234--5678', '123-45678', '１２３４５６７８']) assert.equal(parseCode(text), null, text);
});

test('keys that prove nothing are told from keys', () => {
  assert.ok(isSignKey(identity.signPublic) && isNoiseKey(identity.noisePublic));
  const neutral = '01' + '00'.repeat(31);
  for (const key of [neutral, '00'.repeat(32), 'ec' + 'ff'.repeat(30) + '7f', '02' + '00'.repeat(31), '00']) assert.ok(!isSignKey(bytes(key)), key);
  const eight = 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800';
  for (const key of ['00'.repeat(32), neutral, eight, '09' + '00'.repeat(30) + '80', 'f6' + 'ff'.repeat(30) + '7f', '09']) assert.ok(!isNoiseKey(bytes(key)), key);
  assert.ok(isNoiseKey(bytes('09' + '00'.repeat(31))));
});

test('a statement is verified under its label, its hash and its key alone', () => {
  const hash = new Uint8Array(64).fill(7);
  const signature = identity.sign('deskconn-test/1', hash);
  assert.ok(verify(identity.signPublic, 'deskconn-test/1', hash, signature));
  assert.ok(!verify(identity.signPublic, 'deskconn-test/2', hash, signature));
  assert.ok(!verify(identity.signPublic, 'deskconn-test/1', new Uint8Array(64), signature));
  assert.ok(!verify(bytes(v.desktop.sign), 'deskconn-test/1', hash, signature));
  assert.ok(!verify(identity.signPublic, 'deskconn-test/1', hash, new Uint8Array(64)));
  assert.notEqual(fingerprint(bytes(v.desktop.sign)), identity.fingerprint);
});

test('a challenge of cryptosign is answered with signature and challenge', () => {
  // The first vector of the WAMP specification's section on cryptosign without channel binding.
  const key = new Identity(bytes('4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510'), new Uint8Array(32).fill(1));
  const challenge = 'ff'.repeat(32);
  const signature = 'b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0cae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03';
  assert.equal(key.signChallenge(challenge.toUpperCase()), signature + challenge);
  assert.throws(() => key.signChallenge('ff'), /64/);
});

test('names are made safe to show', () => {
  assert.equal(cleanText('\u001b[2JPixel\u202E 9\r\n'), '[2JPixel 9');
  assert.equal(cleanText('👩‍💻 laptop'), '👩‍💻 laptop');
  assert.equal([...cleanText('é'.repeat(65))].length, 64);
  assert.equal(cleanText('\uFEFF\u0000'), '');
  assert.equal(cleanText(' a\u0007b\uFEFF '), 'ab');
});
