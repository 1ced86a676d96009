// The op conformance cases of the tests crate: every kernel in the browser's WebGPU, and the reference as wasm; the bits of host noise.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { session } from './lib/session.mjs';
import { keep } from './lib/demo.mjs';
import { ROOT, WEB_TESTS } from './lib/where.mjs';

test('the cases of every op, and the bits of noise', { timeout: 300_000 }, async () => {
  const { page } = await session({ folders: { '/web-tests/': WEB_TESTS } });
  const { report, error, last, noise } = await page.evaluate(() => new Promise((resolve) => {
    const worker = new Worker('/t/ops-worker.js', { type: 'module' });
    let last;
    let noise;
    worker.onmessage = ({ data }) => {
      if (data.op) last = data.op;
      else if (data.noises) noise = data;
      else resolve({ ...data, last, noise });
    };
    worker.onerror = (event) => resolve({ error: event.message, last });
    worker.postMessage({ filter: '' });
  }));
  assert.equal(error, undefined, `in ${last}: ${error}`);
  // Host noise is the same to the bit as natively (tests/tests/noise.rs).
  assert.deepEqual(noise, { noises: 2, wrong: [] });
  assert.notEqual(report.adapter, '');
  // One file for each op, besides the list of them.
  const ops = readdirSync(join(ROOT, 'tests/src/ops')).map((name) => name.replace('.rs', '')).filter((name) => name !== 'mod');
  assert.deepEqual(report.ops.map(({ op }) => op).sort(), ops.sort());
  for (const { op, cases, wgpu, reference, without_f16: without } of report.ops) {
    assert.ok(cases > 0, `${op} has no cases`);
    assert.ok(wgpu.checks > 0, `no kernel of ${op} ran`);
    assert.ok(reference.checks === cases, `the reference of ${op} ran ${reference.checks} of ${cases} cases`);
    assert.ok(wgpu.checks >= cases - without, `${op}: ${wgpu.checks} kernels of ${cases} cases`);
  }
  const sum = (of) => report.ops.reduce((all, one) => all + of(one), 0);
  console.log(`    ${report.adapter}: ${report.ops.length} ops, ${sum((o) => o.cases)} cases, ${sum((o) => o.wgpu.checks)} kernels; ${sum((o) => o.without_f16)} cases need 16-bit floats that it lacks`);
  keep('ops', report);
  assert.deepEqual(report.failures, []);
});
