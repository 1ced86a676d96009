// The address after `#` holds what decides a picture, so that a link makes the same one again.

export const SAMPLERS = { dpmpp_2m: 'DPM++ 2M', euler: 'Euler', euler_a: 'Euler ancestral', ddim: 'DDIM', lcm: 'LCM' };
const MOST_TEXT = 2000;

/** `{ prompt, negative, steps, guidance, sampler, seed, model }` → `prompt=…&seed=…` */
export function toHash(settings) {
  const link = new URLSearchParams();
  for (const key of ['prompt', 'negative', 'seed', 'steps', 'guidance', 'sampler', 'model']) {
    const value = settings[key];
    if (value !== undefined && value !== null && value !== '') link.set(key, String(value));
  }
  return `#${link}`;
}

export function toLink(settings) {
  const address = new URL(location.href);
  address.search = '';
  address.hash = toHash(settings);
  return address.href;
}

/** What a hash says, with everything that is out of bounds left out; null when it names no prompt. */
export function fromHash(hash) {
  const link = new URLSearchParams(hash.replace(/^#/, ''));
  if (!link.has('prompt')) return null;
  const number = (key, low, high) => {
    const value = link.has(key) ? Number(link.get(key)) : NaN;
    return value >= low && value <= high ? value : undefined;
  };
  const steps = number('steps', 1, 256);
  return {
    prompt: link.get('prompt').slice(0, MOST_TEXT),
    negative: (link.get('negative') ?? '').slice(0, MOST_TEXT),
    seed: isSeed(link.get('seed') ?? '') ? link.get('seed') : undefined,
    steps: Number.isInteger(steps) ? steps : undefined,
    guidance: number('guidance', 0, 50),
    sampler: Object.hasOwn(SAMPLERS, link.get('sampler') ?? '') ? link.get('sampler') : undefined,
    model: link.get('model')?.slice(0, MOST_TEXT) || undefined,
  };
}

/** Whether the text is a seed: a whole number of 64 bits. */
export function isSeed(text) {
  return /^[0-9]{1,20}$/.test(text) && BigInt(text) < 1n << 64n;
}

/** A new seed, of 32 bits so that links stay short. */
export function rollSeed() {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]);
}
