// A model of more than 1 GiB: what the processes of the browser hold while it loads, out of /proc. Nothing of it may pile up.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { test } from 'node:test';
import { blank, launchIn, processes } from './lib/browser.mjs';
import { keep } from './lib/demo.mjs';
import { ends, isGpu, worked } from './lib/session.mjs';
import { serve } from './lib/static.mjs';
import { Synthetic } from './lib/synthetic.mjs';
import { scratch } from './lib/where.mjs';

const MIB = 2 ** 20;
/** Beyond the largest tensor, in the renderer; beyond what was planned, in the GPU process. */
const [RENDERER, GPU] = [64 * MIB, 128 * MIB];

/** Bytes of a process: now, or the most since `reset`. */
const of = (pid, field) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
const reset = (pid) => writeFileSync(`/proc/${pid}/clear_refs`, '5');

const folder = scratch('memory');
const room = statfsSync(folder).bavail * statfsSync(folder).bsize;
const lack = !existsSync('/proc/self/clear_refs') ? 'memory: there is no /proc to look at'
  : room < 4e9 ? `memory: needs 4 GB of disk, ${(room / 1e9).toFixed(1)} are free`
    : freemem() < 5e9 ? `memory: needs 5 GB of memory, ${(freemem() / 1e9).toFixed(1)} are free` : false;

test('a model of more than 1 GiB streams through', { skip: lack, timeout: 300_000 }, async () => {
  const model = new Synthetic();
  assert.ok(model.length >= 2 ** 30);
  const [host, weights, context] = [ends(await serve()), ends(await model.serve()), ends(await launchIn(folder))];
  const page = await blank(context, host.origin);
  const plan = await page.evaluate((url) => onelaunch.Pipeline.plan(url, { backend: 'webgpu' }), weights.url);
  assert.ok(plan.fits, plan.problem);
  const all = await processes(context.browser());
  const gpu = all.find(({ type }) => type === 'GPU').id;
  const renderers = all.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  // The page's is the one that grew.
  const renderer = renderers.sort((a, b) => of(b, 'VmRSS') - of(a, 'VmRSS'))[0];
  const before = { renderer: of(renderer, 'VmRSS'), gpu: of(gpu, 'VmRSS') };
  [renderer, gpu].forEach(reset);
  const { value: loaded, ms } = await page.evaluate((url) => outcome(() => load('big', { backend: 'webgpu' }, url)), weights.url).then((got) => ({ ...got, value: worked(got) }));
  const peak = { renderer: of(renderer, 'VmHWM') - before.renderer, gpu: of(gpu, 'VmHWM') - before.gpu };
  assert.equal(loaded.backend, 'webgpu');
  const mib = (bytes) => `${(bytes / MIB).toFixed(0)} MiB`;
  console.log(`    ${mib(model.length)}, largest tensor ${mib(model.largest)}, planned ${mib(plan.memory.total)}, loaded in ${(ms / 1000).toFixed(1)} s`);
  console.log(`    renderer rose by ${mib(peak.renderer)} from ${mib(before.renderer)}; GPU process by ${mib(peak.gpu)} from ${mib(before.gpu)}`);
  keep('memory', { bytes: model.length, largest: model.largest, planned: plan.memory, before, peak, ms });
  assert.ok(peak.gpu > 2 ** 30 / 2, 'the weights are not in this process: the test sees nothing');
  assert.ok(peak.renderer <= model.largest + RENDERER, `the renderer rose by ${mib(peak.renderer)}`);
  assert.ok(peak.gpu <= plan.memory.total + GPU, `the GPU process rose by ${mib(peak.gpu)}, ${mib(plan.memory.total)} were planned`);
  isGpu(await page.evaluate(() => make('big', { prompt: 'a red apple', seed: 7, steps: 1, guidance: 1 })));
  await context.close();
  rmSync(folder, { recursive: true, force: true });
});
