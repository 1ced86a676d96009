// A model of more than 1 GiB with the classes of emoji-mini: its transformer widened, weights by formula. The host makes any range of it as
// it is asked for, so that it is on no disk. `node tests/web/lib/synthetic.mjs FOLDER` writes it.

import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { filesOf } from './host.mjs';
import { listen, rangeOf, send } from './static.mjs';
import { MODEL } from './where.mjs';

const [WIDTH, LAYERS, CAPTION, LATENT] = [2048, 8, 192, 32];
const CONFIG = 'transformer/config.json';
const WEIGHTS = 'transformer/diffusion_pytorch_model.safetensors';
const PIECE = 256 * 1024;

/** Shapes of the transformer's tensors. */
function tensors() {
  const C = WIDTH;
  const all = {};
  const linear = (name, out, inputs) => Object.assign(all, { [`${name}.bias`]: [out], [`${name}.weight`]: [out, inputs] });
  linear('adaln_single.emb.timestep_embedder.linear_1', C, 256);
  linear('adaln_single.emb.timestep_embedder.linear_2', C, C);
  linear('adaln_single.linear', 6 * C, C);
  linear('caption_projection.linear_1', C, CAPTION);
  linear('caption_projection.linear_2', C, C);
  Object.assign(all, { 'pos_embed.proj.bias': [C], 'pos_embed.proj.weight': [C, LATENT, 2, 2], scale_shift_table: [2, C] });
  linear('proj_out', 4 * LATENT, C);
  for (let i = 0; i < LAYERS; i += 1) {
    const block = `transformer_blocks.${i}`;
    for (const attention of ['attn1', 'attn2']) for (const name of ['to_k', 'to_out.0', 'to_q', 'to_v']) linear(`${block}.${attention}.${name}`, C, C);
    linear(`${block}.ff.net.0.proj`, 4 * C, C);
    linear(`${block}.ff.net.2`, C, 4 * C);
    all[`${block}.scale_shift_table`] = [6, C];
  }
  return all;
}

/** The head of the file, its length, and the bytes of its largest tensor. */
function layout() {
  const header = { __metadata__: { format: 'pt' } };
  let [at, largest] = [0, 0];
  for (const [name, shape] of Object.entries(tensors())) {
    const bytes = 2 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'F16', shape, data_offsets: [at, at + bytes] };
    at += bytes;
    largest = Math.max(largest, bytes);
  }
  let text = JSON.stringify(header);
  text = text.padEnd(Math.ceil(text.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const head = Buffer.concat([length, Buffer.from(text)]);
  return { head, length: head.length + at, largest };
}

/** Small f16 values of both signs; a length that no power of two divides, so that no two rows are the same. */
function pattern() {
  const bytes = Buffer.alloc(2 * 524_287);
  let seed = 12345;
  for (let i = 0; i < bytes.length; i += 2) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    // Exponents of 2^-8 to 2^-5: about ±0.004 to ±0.06.
    bytes.writeUInt16LE(((seed >>> 31) << 15) | ((7 + ((seed >>> 28) & 3)) << 10) | ((seed >>> 16) & 0x3ff), i);
  }
  return bytes;
}

export class Synthetic {
  constructor() {
    Object.assign(this, layout());
    this.values = pattern();
    this.small = filesOf(MODEL);
    const config = JSON.parse(this.small.get(CONFIG));
    const wide = { ...config, num_attention_heads: WIDTH / 64, attention_head_dim: 64, cross_attention_dim: WIDTH, num_layers: LAYERS };
    this.small.set(CONFIG, Buffer.from(JSON.stringify(wide)));
    this.small.delete(WEIGHTS);
  }

  /** Bytes [start, end) of the weights. */
  bytes(start, end) {
    const out = Buffer.alloc(end - start);
    let at = start;
    if (at < this.head.length) at += this.head.copy(out, 0, at, Math.min(end, this.head.length));
    while (at < end) {
      const from = (at - this.head.length) % this.values.length;
      at += this.values.copy(out, at - start, from, Math.min(this.values.length, from + end - at));
    }
    return out;
  }

  /** A host of it, for pages of other origins too. */
  async serve() {
    const cors = { 'access-control-allow-origin': '*', etag: '"synthetic"' };
    const served = await listen(async (request, response) => {
      const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname.slice(1));
      const small = this.small.get(path);
      const length = path === WEIGHTS ? this.length : small?.length;
      if (length === undefined) return response.writeHead(404, cors).end();
      const range = rangeOf(request, length);
      const { start, end } = range ?? { start: 0, end: length };
      response.writeHead(range ? 206 : 200, { ...cors, 'content-length': end - start, ...(range ? { 'content-range': `bytes ${start}-${end - 1}/${length}` } : {}) });
      for (let at = start; at < end && !response.destroyed; at += PIECE) {
        const to = Math.min(end, at + PIECE);
        await send(response, small ? small.subarray(at, to) : this.bytes(at, to));
      }
      return response.end();
    });
    return { ...served, url: `${served.origin}/` };
  }

  /** Into a folder. @param {string} folder */
  async write(folder) {
    for (const [path, bytes] of this.small) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    const file = createWriteStream(join(folder, WEIGHTS));
    for (let at = 0; at < this.length; at += PIECE) {
      if (!file.write(this.bytes(at, Math.min(this.length, at + PIECE)))) await new Promise((resolve) => file.once('drain', resolve));
    }
    await new Promise((resolve) => file.end(resolve));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await new Synthetic().write(process.argv[2]);
