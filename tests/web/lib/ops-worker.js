// The conformance cases in a worker, where WebGPU and wasm are used.

import init, { noises, run_ops as runOps, wrong_noise as wrongNoise } from '/web-tests/onelaunch_browser_tests.js';

globalThis.onmessage = async ({ data }) => {
  try {
    await init({ module_or_path: new URL('/web-tests/onelaunch_browser_tests_bg.wasm', location.href) });
    postMessage({ noises: noises(), wrong: wrongNoise() });
    postMessage({ report: await runOps(data.filter, (op, at, of) => postMessage({ op, at, of })) });
  } catch (error) {
    postMessage({ error: error?.stack ?? error?.message ?? String(error) });
  }
};
