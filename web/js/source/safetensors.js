// The little that has to be known of safetensors outside of wasm: how long the file must be. Verdicts on a header are Rust's.

/** Longest header that safetensors itself reads. */
const LONGEST = 100_000_000;

/**
 * Bytes of `8 + n`, the header with its length; `null` where the first 8 bytes are no plausible length.
 * @param {Uint8Array} bytes at least the first 8 bytes of the file
 * @returns {number | null}
 */
export function headerLength(bytes) {
  if (bytes.length < 8) return null;
  const n = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  return n >= 2n && n <= BigInt(LONGEST) ? 8 + Number(n) : null;
}

/**
 * The exact length of the file that a header implies; `null` where it is no header.
 * @param {Uint8Array} header the first 8 + n bytes
 * @returns {number | null}
 */
export function impliedLength(header) {
  const length = headerLength(header);
  if (length === null || header.length < length) return null;
  let entries;
  try {
    entries = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header.subarray(8, length)));
  } catch {
    return null;
  }
  if (entries === null || typeof entries !== 'object' || Array.isArray(entries)) return null;
  let end = 0;
  for (const [name, entry] of Object.entries(entries)) {
    if (name === '__metadata__') continue;
    const last = entry?.data_offsets?.[1];
    if (!Number.isSafeInteger(last) || last < 0) return null;
    end = Math.max(end, last);
  }
  return length + end;
}

/** @param {Uint8Array} a @param {Uint8Array} b */
export function same(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
