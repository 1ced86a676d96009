import assert from 'node:assert/strict';
import { test } from 'node:test';

import { head } from '../source/head.js';
import { headerLength, impliedLength } from '../source/safetensors.js';
import { host, safetensors } from './fakes.js';

const bytes = (json, n = json.length) => {
  const out = new Uint8Array(8 + json.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(n), true);
  out.set(new TextEncoder().encode(json), 8);
  return out;
};

test('the length that a header implies', () => {
  const file = safetensors({ a: 10, b: 20 });
  assert.equal(impliedLength(file.subarray(0, headerLength(file))), file.length);
  assert.equal(impliedLength(bytes('{}')), 10);
  assert.equal(impliedLength(bytes('{"__metadata__":{"format":"pt"}} ')), 41);
  // Gaps and order are Rust's to judge; the length is the furthest end.
  assert.equal(impliedLength(bytes('{"a":{"data_offsets":[4,9]},"b":{"data_offsets":[0,4]}}')), 8 + 55 + 9);
});

test('what is no header implies nothing', () => {
  for (const json of ['[]', 'null', 'x', '{"a":1}', '{"a":{"data_offsets":[0,-1]}}', '{"a":{"data_offsets":[0,1.5]}}', '{"a":{"data_offsets":[0,1e300]}}']) {
    assert.equal(impliedLength(bytes(json)), null, json);
  }
  assert.equal(impliedLength(bytes('{}', 100)), null, 'half a header');
  for (const n of [0, 1, 100_000_001, 2 ** 53]) assert.equal(headerLength(bytes('{}', n)), null);
  assert.equal(headerLength(new Uint8Array(7)), null);
  assert.equal(headerLength(new TextEncoder().encode('PK\x03\x04 a pickle')), null);
});

for (const ranges of [true, false]) {
  test(`headers of every length, ranges ${ranges}`, async () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`layers.${i}.weight`, 5]));
    for (const file of [safetensors(many), safetensors({ a: 3 }), safetensors({ a: 200_000 })]) {
      const net = host({ f: file }, { ranges });
      const top = await head(net.http, 'http://h/f');
      assert.deepEqual(Buffer.from(top.header), Buffer.from(file.subarray(0, headerLength(file))));
      assert.equal(top.implied, file.length);
      assert.deepEqual(Buffer.from(top.bytes), Buffer.from(file.subarray(0, top.bytes.length)));
      assert.equal(net.asked.length, ranges && top.header.length > 65_536 ? 2 : 1);
    }
  });

  test(`what is no safetensors is handed on as it begins, ranges ${ranges}`, async () => {
    for (const file of [new TextEncoder().encode('PK\x03\x04 a pickle'), new Uint8Array(0), new Uint8Array(3), bytes('{}', 5000), bytes('not json')]) {
      const top = await head(host({ f: file }, { ranges }).http, 'http://h/f');
      assert.equal(top.implied, null);
      assert.deepEqual(Buffer.from(top.header), Buffer.from(file.subarray(0, top.header.length)));
    }
  });
}
