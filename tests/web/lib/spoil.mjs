// Weights with something wrong in them.

/** @param {Buffer} file @returns {{header: any, at: number}} */
export function headerOf(file) {
  const n = Number(file.readBigUInt64LE(0));
  return { header: JSON.parse(file.toString('utf8', 8, 8 + n)), at: 8 + n };
}

/** @param {Buffer} file @param {(header: any) => void} change */
export function withHeader(file, change) {
  const { header, at } = headerOf(file);
  change(header);
  let text = JSON.stringify(header);
  text = text.padEnd(Math.ceil(text.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, Buffer.from(text), file.subarray(at)]);
}

/** Other weights of the same shapes: the sign of every 16th value behind a part of them. @param {Buffer} file @param {number} [from] */
export function otherWeights(file, from = 0.5) {
  const other = Buffer.from(file);
  const { at } = headerOf(file);
  const first = at + 2 * Math.floor(((file.length - at) / 2) * from);
  for (let i = first + 1; i < other.length; i += 32) other[i] ^= 0x80;
  return other;
}
