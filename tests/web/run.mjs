// Runs the test files one after the other: they share two processors. `node tests/web/run.mjs network keep` runs those alone.
// A skipped test is told at the end, and is a failure with ONELAUNCH_SKIPS=fail.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { HERE, ROOT } from './lib/where.mjs';

const asked = process.argv.slice(2);
const names = readdirSync(HERE).filter((name) => name.endsWith('.test.mjs')).sort();
const files = names.filter((name) => asked.length === 0 || asked.some((one) => name.startsWith(one))).map((name) => join(HERE, name));
if (files.length === 0) {
  console.error(`no test file begins with ${asked.join(' or ')}; there are ${names.join(', ')}`);
  process.exit(1);
}

const began = Date.now();
const [skipped, failed] = [[], []];
let passed = 0;
const stream = run({ files, concurrency: 1, timeout: 400_000 });
stream.on('test:pass', ({ name, skip, details }) => {
  if (skip !== undefined) skipped.push(`${name}: ${skip}`);
  else if (details.type !== 'suite') passed += 1;
});
stream.on('test:fail', ({ name, file }) => failed.push(`${file?.split('/').at(-1) ?? ''} ${name}`));
// node's own reporter: names, times, and what a failure said.
const reporter = stream.compose(typeof spec === 'function' && spec.prototype ? new spec() : spec);
reporter.pipe(process.stdout);
reporter.on('end', () => {
  // Profiles of browsers, and with them the models that were kept.
  rmSync(join(ROOT, 'target/web-tests-scratch'), { recursive: true, force: true });
  console.log(`\nbrowser tests: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  for (const one of failed) console.log(`FAILED ${one}`);
  for (const one of skipped) console.log(`SKIPPED ${one}`);
  process.exitCode = failed.length > 0 || passed === 0 || (skipped.length > 0 && process.env.ONELAUNCH_SKIPS === 'fail') ? 1 : 0;
});
