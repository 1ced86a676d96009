// Where the pictures are made: the chip at the top and the card that tells how to get WebGPU.

import { $, say } from './dom.js';

/** `known` is a plan or a pipeline: `{ backend, why, adapter, caps }`; `asked` is what the person chose. */
export function showBackend({ backend, why, adapter, caps }, asked) {
  const chip = $('backend');
  const device = deviceName(adapter ?? caps?.name);
  const isSoftware = backend === 'webgpu' && (caps?.is_cpu || /software adapter/.test(why ?? ''));
  chip.dataset.backend = backend;
  if (backend === 'webgpu') {
    say(chip, `WebGPU${isSoftware ? ' in software' : ''}${device ? ` · ${device}` : ''}`);
    say($('where-now'), isSoftware
      ? 'WebGPU makes the picture, but in software: no graphics device is behind it. The CPU alone would be faster.'
      : `WebGPU makes the picture${device ? ` on ${device}` : ''}.`);
    return;
  }
  say(chip, 'The CPU makes this picture');
  const because = asked === 'cpu' ? ', because you asked for it' : `: ${reason(why)}`;
  say($('where-now'), `The CPU makes this picture${because}. It is the same picture; with WebGPU it would come sooner.`);
}

/** `wgpu: NAME (API)` as people call it; nothing where the browser keeps the name to itself. */
export function deviceName(adapter = '') {
  return adapter.replace(/^\w+:\s*/, '').replace(/\s*\([^()]*\)$/, '').trim();
}

/** Opens the part about browsers and brings it into view. */
export function showHelp() {
  $('help').open = true;
  $('where').focus({ preventScroll: true });
  $('where').scrollIntoView({ block: 'center' });
}

function reason(why) {
  if (!window.isSecureContext) return 'this page came without https and browsers hide WebGPU then';
  if (!why) return navigator.gpu ? 'no graphics device for WebGPU was found' : 'this browser has no WebGPU';
  return why.trim().replace(/\.$/, '');
}
