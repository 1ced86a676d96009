// Where the pictures are made: the chip at the top and the card that tells how to get WebGPU.

import { $, say } from './dom.js';

/** `known` is a plan or a pipeline: `{ backend, why, adapter }`; `asked` is what the person chose. */
export function showBackend({ backend, why, adapter }, asked) {
  const chip = $('backend');
  chip.dataset.backend = backend;
  const device = adapter && backend === 'webgpu' ? ` · ${adapter}` : '';
  say(chip, backend === 'webgpu' ? `WebGPU${device}` : 'The CPU makes this picture');
  chip.title = why ?? '';
  if (backend === 'webgpu') {
    say($('where-now'), `WebGPU makes the picture${adapter ? ` on ${adapter}` : ''}.`);
  } else {
    const because = asked === 'cpu' ? ', because you asked for it' : `: ${reason(why)}`;
    say($('where-now'), `The CPU makes this picture${because}. It is the same picture; with WebGPU it would come sooner.`);
  }
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
