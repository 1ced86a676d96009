// The step of emoji-mini in one browser session: onelaunch against onnxruntime-web, on WebGPU and on one thread of wasm.
// `node tests/web/bench/run.mjs [webgpu] [wasm] [--rounds N] [--variants a,b]`; see README.md.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, processes } from '../lib/browser.mjs';
import { serve } from '../lib/static.mjs';
import { ARTEFACTS, HERE, PKG, ROOT } from '../lib/where.mjs';

const CACHE = join(ROOT, '.cache/web-bench');
const MODELS = join(CACHE, 'models');
const ORT = join(CACHE, 'node_modules/onnxruntime-web');
const PAGE = '<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,"><script type="module" src="/bench/page.js"></script>';
/** Largest relative L2 of onnxruntime-web to diffusers: above it, it is not the same network. */
const LIMIT = 1e-4;
/** By provider of onnxruntime-web: our backend, our two step counts, runs of theirs in a round, and for each variant beforehand [tries, runs in each]. */
const SETS = {
  webgpu: { backend: 'webgpu', steps: { few: 4, many: 12 }, runs: 2, scan: [2, 1] },
  wasm: { backend: 'cpu', steps: { few: 4, many: 20 }, runs: 16, scan: [4, 16] },
};

for (const [path, how] of [[join(MODELS, 'models.json'), 'tests/web/bench/setup'], [ORT, 'tests/web/bench/setup'], [join(PKG, 'index.js'), 'cargo xtask web']]) {
  if (!existsSync(path)) {
    console.error(`${path} is not there: run \`${how}\` first`);
    process.exit(1);
  }
}
const facts = JSON.parse(readFileSync(join(MODELS, 'models.json'), 'utf8'));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, variants: { type: 'string', default: facts.variants.join(',') } },
});
const providers = positionals.length > 0 ? positionals : Object.keys(SETS);
const unknown = providers.filter((one) => !SETS[one]);
if (unknown.length > 0) throw new Error(`${unknown} is no provider: there are ${Object.keys(SETS)}`);
const [rounds, variants] = [Number(values.rounds), values.variants.split(',')];

const sorted = (all) => [...all].sort((a, b) => a - b);
const median = (all) => (sorted(all)[Math.floor((all.length - 1) / 2)] + sorted(all)[Math.floor(all.length / 2)]) / 2;
const load = () => loadavg()[0].toFixed(1);
const ms = (value) => `${value < 1000 ? value.toFixed(1) : value.toFixed(0)} ms`;

const host = await serve({
  folders: { '/bench/': join(HERE, 'bench'), '/ort/': join(ORT, 'dist'), '/onnx/': MODELS },
  pages: { '/page': PAGE },
});
const browser = await launch();
const report = {
  date: new Date().toISOString(), processor: cpus()[0].model, cores: cpus().length, chromium: browser.version(),
  onnxruntimeWeb: JSON.parse(readFileSync(join(ORT, 'package.json'), 'utf8')).version, loadBefore: loadavg(), rounds, sets: {},
};
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(`page: ${error.message}`));
  await page.goto(`${host.origin}/page`);
  await page.waitForFunction(() => globalThis.ready === true, null, { timeout: 20_000 });
  for (const provider of providers) report.sets[provider] = await compare(page, provider);
} finally {
  await browser.close();
  await host.stop();
}
report.loadAfter = loadavg();
const path = join(ARTEFACTS, `bench-ort-${providers.join('-')}.json`);
writeFileSync(path, `${JSON.stringify(report, null, 1)}\n`);
console.log(`\nload ${report.loadBefore[0].toFixed(1)} before, ${report.loadAfter[0].toFixed(1)} after; all figures in ${path}`);

/** Seconds of CPU of the whole browser. */
async function cpuSeconds() {
  return (await processes(browser)).reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** Opens their session and checks what it computes. Its answer has `subgroups`: whether they were used. */
async function open(page, name, provider, variant, hoisted, subgroups) {
  const [model, inputs] = hoisted ? [`${variant}-hoisted`, facts.inputs.hoisted] : [variant, facts.inputs.whole];
  const opened = await page.evaluate(([key, options]) => openOrt(key, options), [name, { provider, model, inputs, shapes: facts.shapes, subgroups }]);
  if (!(opened.error <= LIMIT)) throw new Error(`onnxruntime-web ${provider} ${model}: relative L2 ${opened.error} to diffusers, so it computes something else`);
  return { ...opened, subgroups };
}

/** Their variants one by one: the fastest is compared with. */
async function scan(page, provider) {
  const found = {};
  for (const variant of variants) {
    // Version 1.30 computes MultiHeadAttention wrongly with SwiftShader's subgroups of 4: such a variant is tried once more without.
    for (const subgroups of provider === 'webgpu' ? [true, false] : [true]) {
      if (found[variant]) continue;
      try {
        const opened = await open(page, 'scan', provider, variant, false, subgroups);
        const runs = [];
        const [tries, each] = SETS[provider].scan;
        for (let at = 0; at < tries; at += 1) runs.push(await network(page, 'scan', each));
        const least = (key) => Math.min(...runs.map((run) => run[key]));
        found[variant] = { ...opened, ms: least('ms'), cpu: least('cpu') };
        const { error, open_ms: made, first_ms: first } = opened;
        console.log(`  onnxruntime-web ${provider}, ${variant}${subgroups ? '' : ' without subgroups'}: ${ms(least('ms'))}, CPU ${ms(least('cpu'))}, opened in ${ms(made)}, first run ${ms(first)}, relative L2 ${error.toExponential(1)}`);
      } catch (error) {
        // A form that a provider cannot do, or does wrongly, is no reason against the others.
        console.log(`  ${error.message}`);
      } finally {
        await page.evaluate(() => globalThis.close('scan'));
      }
    }
  }
  if (Object.keys(found).length === 0) throw new Error(`onnxruntime-web ${provider} can do none of ${variants}`);
  return found;
}

/** One measurement, with the milliseconds of CPU it took. */
async function measure(page, name, argument) {
  const before = await cpuSeconds();
  const measured = await page.evaluate(([key, what]) => sides[key].measure(what), [name, argument]);
  return { ...measured, cpu: 1e3 * ((await cpuSeconds()) - before) };
}

/** A step of ours: the difference of two pictures, in which everything but the number of steps is the same. */
async function step(page, { few, many }) {
  const [short, long] = [await measure(page, 'ours', { steps: few }), await measure(page, 'ours', { steps: many })];
  const of = (key) => (long[key] - short[key]) / (many - few);
  return { ms: of('ms'), cpu: of('cpu'), short, long };
}

/** A step of theirs: one run of the network, without guidance and sampler. */
async function network(page, name, runs) {
  const measured = await measure(page, name, { runs });
  return { ...measured, cpu: measured.cpu / runs };
}

async function compare(page, provider) {
  const { backend, steps, runs } = SETS[provider];
  console.log(`\n${provider} (load ${load()})`);
  const tried = await scan(page, provider);
  // By CPU time, which other work on the machine disturbs least.
  const best = Object.keys(tried).reduce((a, b) => (tried[b].cpu < tried[a].cpu ? b : a));
  const { subgroups } = tried[best];
  const ours = await page.evaluate(([key, on]) => openOurs(key, on), ['ours', backend]);
  if (ours.backend !== backend) throw new Error(`asked for ${backend}, got ${ours.backend}: ${ours.why}`);
  await page.evaluate((count) => sides.ours.measure({ steps: count }), steps.few);
  const warm = await page.evaluate((count) => sides.ours.measure({ steps: count }), steps.many);
  const theirs = { whole: await open(page, 'whole', provider, best, false, subgroups), hoisted: await open(page, 'hoisted', provider, best, true, subgroups) };
  console.log(`  ours on ${warm.adapter || backend}; theirs ${best} on ${theirs.whole.adapter}`);
  const taken = [];
  for (let round = 0; round < rounds; round += 1) {
    const row = { load: loadavg()[0] };
    // Who is first changes, so that neither always follows the other.
    const order = round % 2 === 0 ? ['ours', 'whole', 'hoisted'] : ['hoisted', 'whole', 'ours'];
    for (const name of order) row[name] = name === 'ours' ? await step(page, steps) : await network(page, name, runs);
    taken.push(row);
    console.log(`  round ${round + 1}: ours ${ms(row.ours.ms)}, theirs ${ms(row.whole.ms)}, theirs hoisted ${ms(row.hoisted.ms)} (load ${load()})`);
  }
  for (const name of ['ours', 'whole', 'hoisted']) await page.evaluate((key) => globalThis.close(key), name);
  const result = summary(taken, steps);
  tell(result, best);
  return { backend, steps, runs, best, warm, theirs, variants: tried, ...result, taken };
}

/** Best and median of each side, and the ratios to ours. */
function summary(taken, { few, many }) {
  const all = (name, key) => taken.map((row) => row[name][key]);
  // The best of a difference is that of the best of both: the least difference would be that of an unlucky short picture.
  const least = (which) => Math.min(...taken.map((row) => row.ours[which].ms));
  const sides = {};
  for (const name of ['ours', 'whole', 'hoisted']) {
    const best = name === 'ours' ? (least('long') - least('short')) / (many - few) : Math.min(...all(name, 'ms'));
    sides[name] = { best, median: median(all(name, 'ms')), cpu: median(all(name, 'cpu')) };
  }
  const ratio = (name) => ({
    best: sides[name].best / sides.ours.best, median: median(taken.map((row) => row[name].ms / row.ours.ms)), cpu: sides[name].cpu / sides.ours.cpu,
  });
  return { sides, ratios: { whole: ratio('whole'), hoisted: ratio('hoisted') } };
}

function tell({ sides, ratios }, variant) {
  const names = { ours: 'onelaunch, a step', whole: `onnxruntime-web, the network (${variant})`, hoisted: 'onnxruntime-web, without what onelaunch hoists' };
  for (const [key, name] of Object.entries(names)) {
    const { best, median: middle, cpu } = sides[key];
    const times = key === 'ours' ? '' : `; ours is faster ×${ratios[key].best.toFixed(2)}, ×${ratios[key].median.toFixed(2)}, ×${ratios[key].cpu.toFixed(2)}`;
    console.log(`  ${name}: best ${ms(best)}, median ${ms(middle)}, CPU ${ms(cpu)}${times}`);
  }
}
