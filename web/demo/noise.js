// What a picture looks like before the first step: noise of its seed. A drawing for people, not the sampler's bits.

/** Fills the small canvas with soft grains in the colours that an undecoded latent has. */
export function drawNoise(canvas, seed) {
  const context = canvas.getContext('2d');
  const { width, height } = canvas;
  const image = context.createImageData(width, height);
  const next = random(Number(BigInt(seed) & 0xffffffffn) ^ Number(BigInt(seed) >> 32n));
  for (let at = 0; at < image.data.length; at += 4) {
    const light = 0.08 * normal(next);
    image.data[at] = 255 * (0.8 + light + 0.13 * normal(next));
    image.data[at + 1] = 255 * (0.72 + light + 0.1 * normal(next));
    image.data[at + 2] = 255 * (0.66 + light + 0.13 * normal(next));
    image.data[at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** mulberry32: enough for a drawing. */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const normal = (next) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
