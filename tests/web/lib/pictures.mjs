// Pictures as bytes: PNGs of the native side, and how far two pictures are apart.

import { inflateSync } from 'node:zlib';
import { createHash } from 'node:crypto';

/** RGBA of a PNG with 8 bits a channel. */
export function readPng(png) {
  const [width, height, depth, colour] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]];
  const channels = { 2: 3, 6: 4 }[colour];
  if (depth !== 8 || !channels) throw new Error(`a PNG of colour type ${colour} and ${depth} bits is not read here`);
  const parts = [];
  for (let at = 8; at < png.length;) {
    const [length, type] = [png.readUInt32BE(at), png.toString('latin1', at + 4, at + 8)];
    if (type === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const lines = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const a = x >= channels ? lines[y * stride + x - channels] : 0;
      const b = y > 0 ? lines[(y - 1) * stride + x] : 0;
      const c = y > 0 && x >= channels ? lines[(y - 1) * stride + x - channels] : 0;
      lines[y * stride + x] = raw[y * (stride + 1) + 1 + x] + [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter];
    }
  }
  const rgba = Buffer.alloc(width * height * 4, 255);
  for (let i = 0; i < width * height; i += 1) lines.copy(rgba, i * 4, i * channels, (i + 1) * channels);
  return { width, height, rgba };
}

function paeth(a, b, c) {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

/** Of the page's helper. */
export const bytesOf = ({ width, height, rgba }) => ({ width, height, rgba: Buffer.from(rgba, 'base64') });

/** PSNR in dB over colour channels, and the largest difference. */
export function compare(a, b) {
  if (a.width !== b.width || a.height !== b.height || a.rgba.length !== b.rgba.length) throw new Error(`${a.width} × ${a.height} against ${b.width} × ${b.height}`);
  let [sum, worst, count] = [0, 0, 0];
  for (let i = 0; i < a.rgba.length; i += 1) {
    if (i % 4 === 3) continue;
    const d = Math.abs(a.rgba[i] - b.rgba[i]);
    sum += d * d;
    worst = Math.max(worst, d);
    count += 1;
  }
  return { psnr: sum === 0 ? Infinity : 10 * Math.log10((255 * 255 * count) / sum), worst };
}

/** How much there is to see: the standard deviation of the colour channels. A picture of one colour has none. */
export function contrast({ rgba }) {
  const values = [...rgba].filter((_, i) => i % 4 !== 3);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}

export const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
