// Showing bitmaps. A canvas that has no context yet gets the one that takes a bitmap over without a copy.

import { OnelaunchError } from './errors.js';

/**
 * Shows a bitmap to nobody. The first bitmap of the GPU connects a page's thread with it, and that waits behind whatever is queued there:
 * while nothing is that is a ms, behind the work of a picture it was up to 170 (Chromium, SwiftShader).
 * @param {ImageBitmap} bitmap
 */
export function connect(bitmap) {
  new OffscreenCanvas(1, 1).getContext('bitmaprenderer')?.transferFromImageBitmap(bitmap);
}

/**
 * @param {any} canvas an HTMLCanvasElement, or an OffscreenCanvas of the page
 * @returns {(bitmap: ImageBitmap, width: number, height: number) => void} shows and consumes a bitmap as a picture of that size
 */
export function painter(canvas) {
  const direct = canvas.getContext('bitmaprenderer');
  const drawn = direct ? null : canvas.getContext('2d');
  if (!direct && !drawn) throw new OnelaunchError('BadRequest', 'the canvas has a context that takes no bitmaps: give one without, or with `2d`');
  return (bitmap, width, height) => {
    // Setting a size clears: only when it changes. Previews are smaller than their picture and are shown at its size.
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    if (direct) direct.transferFromImageBitmap(bitmap);
    else {
      drawn.drawImage(bitmap, 0, 0, width, height);
      bitmap.close();
    }
  };
}
