// Three bars: download, compile, steps, with bytes, counts and times; and the beads around the picture, one per step.

import { $, bytes, say, time } from './dom.js';

const started = {};

/** `name` is download, compile or steps; `unit` is bytes, kernels or steps. */
export function bar(name, done, total, { unit, label } = {}) {
  const row = $(`bar-${name}`);
  const progress = $(`progress-${name}`);
  if (row.hidden) { started[name] = performance.now(); row.hidden = false; }
  const spent = performance.now() - started[name];
  progress.max = total || 1;
  progress.value = done;
  if (label) say(row.querySelector('label'), label);
  const count = unit === 'bytes' ? `${bytes(done)} of ${bytes(total)}` : `${done} of ${total}${unit === 'kernels' ? ' kernels' : ''}`;
  const each = unit === 'steps' && done > 0 ? ` · ${time(spent / done)} each` : '';
  row.querySelector('span').textContent = `${count} · ${time(spent)}${each}`;
  row.classList.toggle('full', total > 0 && done >= total);
}

let downloads = false;

/** Progress of a load. Bytes from the network tell more than the same bytes on their way to the device. */
export function onLoad({ phase, loaded, total }) {
  // The CPU has nothing to compile and says so with a single step.
  if (phase === 'compile') return total > 1 ? bar('compile', loaded, total, { unit: 'kernels' }) : undefined;
  if (phase === 'download') downloads = true;
  else if (downloads) return undefined;
  return bar('download', loaded, total, { unit: 'bytes', label: downloads ? 'Download' : 'Weights' });
}

/** A bar that has begun and has no count yet. */
export function waiting(name, text) {
  const row = $(`bar-${name}`);
  started[name] = performance.now();
  row.hidden = false;
  row.classList.remove('full');
  $(`progress-${name}`).removeAttribute('value');
  row.querySelector('span').textContent = text;
}

export function clearBars(names = ['download', 'compile', 'steps']) {
  if (names.includes('download')) downloads = false;
  for (const name of names) {
    $(`bar-${name}`).hidden = true;
    $(`bar-${name}`).classList.remove('full');
  }
}

/** `done` of `total` beads shine. Dots are dashes of length 0 with round ends, on a ring that is `total` long. */
export function beads(done, total) {
  const [all, lit] = $('beads').querySelectorAll('circle');
  for (const ring of [all, lit]) ring.setAttribute('pathLength', String(total));
  all.style.strokeDasharray = `${'0 1 '.repeat(total - 1)}0 2`;
  lit.style.strokeDasharray = `${'0 1 '.repeat(Math.max(0, done - 1))}0 ${total + 1}`;
  lit.style.visibility = done ? 'visible' : 'hidden';
  $('beads').style.setProperty('--bead', String(Math.min(3, 150 / total)));
}
