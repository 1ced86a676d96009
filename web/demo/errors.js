// Every error is a sentence and at least one button that goes on.

import { $, bytes, make } from './dom.js';

/** `{ title, text, ways }`, where `ways` are names of actions the page offers, the best first. */
export function explain(error, { isShipped, backend, hasPlan }) {
  const text = plain(error.message);
  const cpu = backend === 'cpu' ? [] : ['cpu'];
  const other = isShipped ? [] : ['shipped'];
  const figures = [error.needed && `needed: ${bytes(error.needed)}`, error.free && `free: ${bytes(error.free)}`, error.limit && `limit: ${bytes(error.limit)}`]
    .filter(Boolean).join(', ');
  // Messages that name sizes themselves are not told twice.
  const withFigures = figures && !/\d\s?[kMG]i?B/.test(text) ? `${text} (${figures})` : text;
  switch (error.name) {
    case 'NoWebGpu': return { title: noWebGpu(error.reason), text, ways: [...cpu, 'help', 'retry'] };
    case 'OutOfMemory': return { title: 'The device has no room for this.', text: withFigures, ways: ['retry', ...cpu, ...other] };
    case 'TooLarge': return { title: 'This model is too large for this device.', text: withFigures, ways: isShipped ? ['cpu', 'retry'] : ['shipped', ...cpu] };
    case 'DeviceLost': return { title: 'The graphics device went away.', text: `${text} Your words and past pictures are safe; the model is loaded again from this device.`, ways: ['retry', 'reload', ...cpu] };
    case 'BadModel': return { title: 'This model cannot be used.', text, ways: isShipped ? ['retry', 'reload'] : ['shipped', 'source', 'retry'] };
    case 'Unsupported': return { title: 'This is not built yet.', text, ways: isShipped ? ['defaults', ...cpu] : ['shipped', 'defaults'] };
    case 'BadRequest': return { title: 'These settings do not go together.', text, ways: ['defaults', 'retry'] };
    case 'Download': {
      const title = navigator.onLine ? (hasPlan ? 'The download stopped.' : 'This cannot be reached.') : 'There is no network.';
      return { title, text: hasPlan ? `${text} What has come is kept where the browser allows it, and it goes on from there.` : text, ways: ['retry', ...other, ...(isShipped ? ['reload'] : ['source'])] };
    }
    case 'VersionMismatch': return { title: 'This page was updated meanwhile.', text: 'One reload brings all its parts to the same version.', ways: ['reload'] };
    default: return { title: 'Something went wrong.', text: text || 'No more is known about it.', ways: ['retry', ...cpu, 'reload', 'details'] };
  }
}

/** Shows it, with `actions[way]` behind each button. */
export function showError(error, context, actions) {
  const { title, text, ways } = explain(error, context);
  const labels = {
    retry: 'Try again', cpu: 'Use the CPU', reload: 'Reload the page', shipped: 'Use emoji-mini', source: 'Choose another model',
    defaults: 'Back to the defaults', help: 'How to switch WebGPU on', details: 'Copy the details',
  };
  const buttons = ways.map((way, at) => {
    const button = make('button', { type: 'button', className: at ? 'quiet' : '' }, labels[way]);
    button.dataset.way = way;
    button.addEventListener('click', () => actions[way](error));
    return button;
  });
  const box = $('error');
  box.replaceChildren(make('p', {}, make('b', {}, title), ' ', text), make('p', { className: 'ways' }, ...buttons));
  box.dataset.name = error.name;
  box.hidden = false;
  // The button that led here may be far below.
  box.scrollIntoView({ block: 'nearest' });
}

export function hideError() {
  const box = $('error');
  box.hidden = true;
  box.replaceChildren();
  delete box.dataset.name;
}

/** Whether the person stopped it: no error then. */
export const isStopped = (error) => error.name === 'Aborted' || error.name === 'AbortError';

function noWebGpu(reason) {
  if (reason === 'insecure') return 'This page came without https, and browsers hide WebGPU from such pages.';
  if (reason === 'missing') return 'This browser has no WebGPU.';
  return 'This browser has WebGPU, but found no graphics device for it.';
}

/** A message ends as a sentence does. */
function plain(message = '') {
  const text = String(message).trim();
  if (!text) return '';
  // Addresses and names of files keep their case.
  const first = /^[a-z]+[\s,;]/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
