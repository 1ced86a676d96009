// The demo page, driven as a person drives it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARTEFACTS, WEB } from './where.mjs';
import { readPng } from './pictures.mjs';
import { serve } from './static.mjs';

/** The page is served below a path, as many hosts do. */
export const UNDER = '/some/where/';

export const serveDemo = (more = {}) => serve({ folders: { [UNDER]: WEB }, ...more });

/** What must not be touched on the main thread, noted in `__touched`; long scripts in `__long`. */
export const watchers = () => {
  globalThis.__touched = [];
  const note = (what) => globalThis.__touched.push(`${what} ${new Error().stack.split('\n')[3] ?? ''}`);
  if (globalThis.GPU) {
    for (const name of ['requestAdapter']) {
      const real = GPU.prototype[name];
      GPU.prototype[name] = function trapped(...args) { note(`gpu.${name}`); return real.apply(this, args); };
    }
  }
  for (const name of ['compile', 'compileStreaming', 'instantiate', 'instantiateStreaming', 'validate', 'Module', 'Instance', 'Memory']) {
    const real = WebAssembly[name];
    WebAssembly[name] = function trapped(...args) { note(`WebAssembly.${name}`); return new.target ? new real(...args) : real.apply(WebAssembly, args); };
  }
  // Tasks of more than 50 ms, and of those the scripts: painting is the browser's.
  [globalThis.__tasks, globalThis.__long] = [[], []];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) globalThis.__tasks.push({ startTime, duration });
  }).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => {
    for (const { startTime, duration, invoker } of list.getEntries().flatMap((frame) => [...frame.scripts])) {
      if (duration > 50) globalThis.__long.push({ startTime, duration, invoker });
    }
  }).observe({ type: 'long-animation-frame', buffered: true });
};

export const state = (page, wanted, ms = 60_000) => page.waitForFunction(
  (wanted) => wanted.includes(document.body.dataset.state), [wanted].flat(), { timeout: ms },
);

/** Opens the page and waits until it can be used. */
export async function open(page, at, { query = '', hash = '' } = {}) {
  await page.goto(`${at}${UNDER}${query}${hash}`);
  await state(page, ['ready', 'error']);
  return page.evaluate(() => document.body.dataset.state);
}

/** Presses the button and waits for the picture. */
export async function press(page, ms = 120_000) {
  await page.click('#generate');
  await state(page, 'making');
  await state(page, ['ready', 'error'], ms);
  return page.evaluate(() => ({
    state: document.body.dataset.state, status: document.getElementById('status').textContent, error: document.getElementById('error').textContent,
    timings: globalThis.onelaunchDemo.timings, first: globalThis.onelaunchDemo.first,
  }));
}

/** What is seen of an element, as pixels. */
export async function pixelsOf(page, selector) {
  const { width, height, rgba } = readPng(await page.locator(selector).screenshot());
  return { width, height, rgba: rgba.toString('base64') };
}

/** A screenshot for people to look at. */
export const shoot = (page, name, fullPage = true) => page.screenshot({ path: join(ARTEFACTS, `${name}.png`), fullPage });

/** Figures for people. */
export const keep = (name, figures) => writeFileSync(join(ARTEFACTS, `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`);
