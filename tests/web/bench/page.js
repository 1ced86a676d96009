// In the page: our pipelines, and the workers that onnxruntime-web runs in. `sides[name].measure` gives milliseconds.

import { Pipeline } from '/pkg/index.js';

const sides = {};
globalThis.sides = sides;

/** Our pipeline on a backend. */
globalThis.openOurs = async (name, backend) => {
  const pipe = await Pipeline.load(new URL('/models/emoji-mini/', location.href), { backend });
  const make = async (steps) => {
    const made = await pipe.generate({ prompt: 'a red apple', steps, guidance: 3.5, sampler: 'dpmpp_2m', seed: 7, whole: true, previews: false });
    const { data } = made.images[0];
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const spread = Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
    if (made.backend !== backend || !(spread > 5)) throw new Error(`${made.backend} made a picture of spread ${spread}, on ${backend} it should be a picture`);
    return made;
  };
  sides[name] = {
    measure: async ({ steps }) => {
      const { timings, adapter } = await make(steps);
      return { ms: 1e3 * timings.image, timings, adapter };
    },
    close: () => pipe.free(),
  };
  return { backend: pipe.backend, why: pipe.why };
};

/** A session of onnxruntime-web in a worker of its own. */
globalThis.openOrt = async (name, options) => {
  const worker = new Worker('/bench/ort-worker.js', { type: 'module' });
  let answer;
  worker.onmessage = ({ data }) => (data.error ? answer.reject(new Error(`onnxruntime-web, ${name}: ${data.error}`)) : answer.resolve(data.value));
  worker.onerror = (event) => answer.reject(new Error(`onnxruntime-web, ${name}: ${event.message || 'its worker did not start'}`));
  const call = (what, argument) => new Promise((resolve, reject) => {
    answer = { resolve, reject };
    worker.postMessage({ what, argument });
  });
  sides[name] = { measure: (argument) => call('measure', argument), close: () => worker.terminate() };
  return call('open', options);
};

globalThis.close = (name) => {
  sides[name]?.close();
  delete sides[name];
};
globalThis.ready = true;
