// The sticker: noise of the seed, previews, the finished or restored picture, its caption and what can be done with it.

import { $, say, time } from './dom.js';
import { drawNoise } from './noise.js';

export class Picture {
  /** The noise of a seed lies under the canvas; while a picture is shown only its number changes. */
  seed(seed) {
    drawNoise($('noise'), seed);
  }

  none(seed) {
    this.seed(seed);
    $('canvas').hidden = true;
    $('actions').hidden = true;
    $('caption').classList.add('plain');
    say($('caption'), 'Every picture starts as noise. This is the noise of your seed.');
  }

  start({ prompt, seed }) {
    drawNoise($('noise'), seed);
    $('canvas').hidden = true;
    $('canvas').setAttribute('aria-label', `Being made: ${prompt}`);
    $('actions').hidden = true;
    $('sticker').classList.remove('stuck');
    $('caption').classList.remove('plain');
    say($('caption'), prompt || 'no prompt');
  }

  busy(isBusy) {
    $('sticker').setAttribute('aria-busy', String(isBusy));
  }

  /** From the first preview on the canvas is on top of the noise. */
  reveal() {
    $('canvas').hidden = false;
  }

  /** Puts a past picture back on the canvas. */
  async draw({ blob }) {
    const bitmap = await createImageBitmap(blob);
    const canvas = $('canvas');
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    // The package draws through the same kind of context; a canvas has only one in its life.
    const screen = canvas.getContext('bitmaprenderer');
    if (screen) screen.transferFromImageBitmap(bitmap);
    else canvas.getContext('2d').drawImage(bitmap, 0, 0);
    this.reveal();
  }

  caption({ settings, linkable, ms, backend }) {
    const { prompt, seed, steps } = settings;
    $('caption').classList.remove('plain');
    say($('caption'), prompt || 'no prompt');
    const small = Object.assign(document.createElement('small'), { textContent: `seed ${seed} · ${steps} steps · ${time(ms)} · ${backend === 'webgpu' ? 'WebGPU' : 'the CPU'}` });
    $('caption').append(small);
    $('canvas').setAttribute('aria-label', `Picture: ${prompt || 'no prompt'}`);
    $('actions').hidden = false;
    $('sticker').classList.add('stuck');
    $('copy-link').hidden = !linkable;
    $('share').hidden = !navigator.share;
  }

  /** The PNG with its recipe. */
  download({ blob, settings }) {
    const address = URL.createObjectURL(blob);
    const name = `${settings.prompt.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 60) || 'picture'}-${settings.seed}.png`;
    Object.assign(document.createElement('a'), { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  async share({ blob, settings }, link) {
    const file = new File([blob], `${settings.seed}.png`, { type: 'image/png' });
    const withFile = { title: settings.prompt, url: link, files: [file] };
    try {
      await navigator.share(navigator.canShare?.(withFile) ? withFile : { title: settings.prompt, url: link });
    } catch {
      // The person closed the sheet.
    }
  }
}
