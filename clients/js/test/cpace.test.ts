// CPace against the vectors of draft-irtf-cfrg-cpace-21, appendices A and B.3 (testvectors.md of its repository).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToHex as hex, hexToBytes as bytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { BadPoint, Share, generator, lv, scalar } from '../src/cpace.js';

const PRS = utf8ToBytes('Password');
const CI = bytes('6f630b425f726573706f6e6465720b415f696e69746961746f72');
const SID = bytes('7e4b4791d6a8ef019b936c79fb7f2c57');
const YA = 'd40fb265a7abeaee7939d91a585fe59f7053f982c296ec413c624c669308f87a';
const YB = '08bcf6e9777a9c313a3db6daa510f2d398403319c2341bd506a92e672eb7e307';
const share = (secret: string) => new Share(scalar(bytes(secret)), PRS, CI, SID);
const a = share('da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08');
const b = share('d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d');

test('lengths are those of the draft', () => {
  const count = (to: number) => Uint8Array.from({ length: to }, (_, at) => at);
  assert.equal(hex(lv(new Uint8Array())), '00');
  assert.equal(hex(lv(utf8ToBytes('1234'), utf8ToBytes('5'), new Uint8Array(), utf8ToBytes('6789'))), '04313233340135000436373839');
  assert.equal(hex(lv(count(127))), '7f' + hex(count(127)));
  assert.equal(hex(lv(count(128))), '8001' + hex(count(128)));
});

test('generator, shares, meeting point and session key are those of the draft', () => {
  assert.equal(hex(generator(PRS, CI, SID)), 'a6fc82c3b8968fbb2e06fee81ca858586dea50d248f0c7ca6a18b0902a30b36b');
  assert.equal(hex(a.public), YA);
  assert.equal(hex(b.public), YB);
  const k = 'e22b1ef7788f661478f3cddd4c600774fc0f41e6b711569190ff88fa0e607e09';
  assert.equal(hex(a.meet(bytes(YB))), k);
  assert.equal(hex(b.meet(bytes(YA))), k);
  const isk = '4c5469a16b2364c4b944ebc1a79e51d1674ad47db26e8718154f59faebfaa52d8346f30aa58377117eb20d527f2cbc5c76381f7fd372e89df8239f87f2e02ed1';
  const [adA, adB] = [utf8ToBytes('ADa'), utf8ToBytes('ADb')];
  assert.equal(hex(a.initiate(bytes(YB), adA, adB, SID)), isk);
  assert.equal(hex(b.respond(bytes(YA), adA, adB, SID)), isk);
});

test('a valid point is multiplied as in the draft', () => {
  const point = bytes('2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c');
  const met = share('7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05').meet(point);
  assert.equal(hex(met), '7c13645fe790a468f62c39beb7388e541d8405d1ade69d1778c5fe3e7f6b600e');
});

test('points that are invalid, neutral or not canonical are refused', () => {
  const bad = [
    '2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c',
    '00'.repeat(32),
    '00' + 'ff'.repeat(31),
    'f3' + 'ff'.repeat(30) + '7f',
    'ed' + 'ff'.repeat(30) + '7f',
    '01' + '00'.repeat(31),
    'ff'.repeat(32),
    '00',
  ];
  for (const point of bad) {
    assert.throws(() => a.initiate(bytes(point), PRS, PRS, SID), BadPoint, point);
    assert.throws(() => b.respond(bytes(point), PRS, PRS, SID), BadPoint, point);
  }
});

test('a random source of zeros gives an error', () => {
  assert.throws(() => scalar(new Uint8Array(64)), /zeros/);
});
