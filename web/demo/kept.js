// Whether the shipped model is on this device by now, remembered from visit to visit: then it is opened at once, without a download.

import { SHIPPED } from './maker.js';
import { keepModel } from './offline.js';

const KEPT = 'onelaunch.kept';
const LATER = [0, 2000, 10_000, 60_000];

export function isKept() {
  try { return localStorage.getItem(KEPT) === '1'; } catch { return false; }
}

/** `told(kept, why)` is called when it is known: the package writes the rest of its files after the first picture began. */
export function watchKept(pipe, source, told, tries = LATER) {
  if (source !== SHIPPED) return;
  const [wait, ...rest] = tries;
  setTimeout(() => {
    const kept = pipe.kept === 'opfs';
    try { localStorage.setItem(KEPT, kept ? '1' : '0'); } catch { /* then the next visit asks before it opens the model */ }
    told(kept, pipe.keptWhy);
    if (kept) return;
    if (rest.length) watchKept(pipe, source, told, rest);
    else keepModel();
  }, wait);
}
