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
  const count = unit === 'bytes' ? `${bytes(done)} of ${bytes(total)}` : `${done} of ${total}`;
  const each = unit === 'steps' && done > 0 ? ` · ${time(spent / done)} each` : '';
  row.querySelector('output').value = `${count} · ${time(spent)}${each}`;
  row.classList.toggle('full', total > 0 && done >= total);
}

/** A bar that has begun and has no count yet. */
export function waiting(name, text) {
  const row = $(`bar-${name}`);
  started[name] = performance.now();
  row.hidden = false;
  row.classList.remove('full');
  $(`progress-${name}`).removeAttribute('value');
  row.querySelector('output').value = text;
}

export function clearBars(names = ['download', 'compile', 'steps']) {
  for (const name of names) {
    $(`bar-${name}`).hidden = true;
    $(`bar-${name}`).classList.remove('full');
  }
}

/** `done` of `total` beads shine. Dots are dashes of length 0 with round ends, on a path that is `total` long. */
export function beads(done, total) {
  const [all, lit] = $('beads').querySelectorAll('path');
  for (const path of [all, lit]) path.setAttribute('pathLength', String(total));
  all.style.strokeDasharray = '0 1';
  lit.style.strokeDasharray = done ? `${'0 1 '.repeat(done)}0 ${total}` : `0 ${total}`;
  lit.style.visibility = done ? 'visible' : 'hidden';
  $('beads').style.setProperty('--bead', String(Math.min(2.2, 90 / total)));
}
