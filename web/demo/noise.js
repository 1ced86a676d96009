// What a picture looks like before the first step: noise of its seed. A drawing for people, not the sampler's bits.
// It is an image file made here, because the first 2D canvas of a page can hold up its main thread for half a second.

const SIDE = 24;
const HEADER = 54;

/** Shows soft grains in the colours that an undecoded latent has. */
export function drawNoise(image, seed) {
  const file = new Uint8Array(HEADER + SIDE * SIDE * 3);
  const head = new DataView(file.buffer);
  // A BMP of 24 bits a pixel; rows of 72 bytes need no padding.
  head.setUint16(0, 0x424d);
  for (const [at, value] of [[2, file.length], [10, HEADER], [14, 40], [18, SIDE], [22, SIDE], [26, 1 | (24 << 16)], [34, SIDE * SIDE * 3]]) head.setUint32(at, value, true);
  const next = random(Number(BigInt(seed) & 0xffffffffn) ^ Number(BigInt(seed) >> 32n));
  for (let at = HEADER; at < file.length; at += 3) {
    const light = 0.08 * normal(next);
    file[at] = byte(0.66 + light + 0.13 * normal(next));
    file[at + 1] = byte(0.72 + light + 0.1 * normal(next));
    file[at + 2] = byte(0.8 + light + 0.13 * normal(next));
  }
  image.src = `data:image/bmp;base64,${btoa(String.fromCharCode(...file))}`;
}

const byte = (x) => Math.max(0, Math.min(255, Math.round(255 * x)));

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
