// The receipt: times and memory of one picture, in a shape that people can screenshot or copy as text.

import { $, bytes, make, time } from './dom.js';
import { SAMPLERS } from './link.js';
import { deviceName } from './where.js';

const WIDE = 42;

/** Lines `[what, figure]`; a null line is a rule; a third member marks the sum. */
export function receiptLines({ settings, timings, result, plan, size, model }) {
  const { first } = timings;
  const native = result.timings ?? {};
  const lines = [
    ['picture', settings.prompt || '(no prompt)'],
    ['seed', settings.seed],
    ['sampler', `${SAMPLERS[settings.sampler] ?? settings.sampler}, guidance ${settings.guidance}`],
    ['size', size], ['model', model], null,
  ];
  if (first) lines.push(['page and program', time(timings.page)], ['fetch the model', time(timings.fetch)]);
  lines.push(
    ['compile', time(timings.compile)],
    [`${settings.steps} steps, ${time(timings.steps / settings.steps)} each`, time(timings.steps)],
    ['decode and draw', time(timings.decode)],
  );
  if (timings.waited > 50) lines.push(['waited for you', time(timings.waited)]);
  lines.push([first ? 'navigation to pixels' : 'click to pixels', time(timings.total), 'sum'], null);
  lines.push(...memoryLines(plan?.memory ?? {}));
  lines.push(['made by', result.backend === 'webgpu' ? 'WebGPU' : 'the CPU, in wasm']);
  const device = deviceName(result.adapter);
  if (device && result.backend === 'webgpu') lines.push(['device', device]);
  if (native.dispatches && result.backend === 'webgpu') lines.push(['dispatches, submits', `${native.dispatches}, ${native.submits}`]);
  lines.push(['browser', browser()]);
  return lines;
}

/** What the planner gave to each use; what is under a hundredth of all is summed. */
function memoryLines({ total = 0, ...uses }) {
  if (!total) return [];
  const [large, small] = [[], []];
  for (const use of Object.entries(uses)) (use[1] * 100 >= total ? large : small).push(use);
  const rest = small.reduce((sum, [, size]) => sum + size, 0);
  if (rest) large.push([small.length > 1 ? 'other buffers' : small[0][0], rest]);
  return [...large.map(([use, size]) => [use, bytes(size)]), ['memory planned', bytes(total), 'sum'], null];
}

export function showReceipt(lines, when) {
  const body = [];
  let list = null;
  for (const line of lines) {
    if (!line) { list = null; continue; }
    if (!list) body.push(list = make('dl'));
    const [what, figure, mark] = line;
    list.append(make('div', { className: mark ?? '' }, make('dt', {}, what), make('dd', {}, String(figure))));
  }
  body.push(make('p', { className: 'thanks' }, stamp(when)));
  $('receipt-body').replaceChildren(...body);
  $('copy-receipt').hidden = false;
}

export function receiptText(lines) {
  const rows = lines.map((line) => {
    if (!line) return '-'.repeat(WIDE);
    const [what, figure] = line;
    return `${what} ${'.'.repeat(Math.max(2, WIDE - what.length - String(figure).length - 2))} ${figure}`;
  });
  return ['onelaunch', '-'.repeat(WIDE), ...rows].join('\n');
}

/** `2026-11-24 15:04`, by hand: the first use of `Intl` costs tens of ms. */
function stamp(when) {
  const two = (n) => String(n).padStart(2, '0');
  const at = new Date(when);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The browser's name as it gives it, without the whole user-agent string. */
function browser() {
  const brands = navigator.userAgentData?.brands?.filter(({ brand }) => !/not.?a.?brand/i.test(brand.replace(/[^a-z]/gi, '')));
  const brand = brands?.find((one) => one.brand !== 'Chromium') ?? brands?.[0];
  if (brand) return `${brand.brand} ${brand.version}`;
  const known = navigator.userAgent.match(/(Firefox|Edg|OPR|Chrome)\/(\d+)/) ?? navigator.userAgent.match(/(Version)\/(\d+(?:\.\d+)?).*Safari/);
  return known ? `${known[1].replace('Version', 'Safari')} ${known[2]}` : 'unknown';
}
