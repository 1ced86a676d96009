// One session of onnxruntime-web: opened, checked against diffusers' output, and run.

const PROVIDERS = { webgpu: '/ort/ort.webgpu.min.mjs', wasm: '/ort/ort.wasm.min.mjs' };
let session;
let feeds;

const floats = async (name) => new Float32Array(await (await fetch(`/onnx/${name}.f32`)).arrayBuffer());

/** From now on, devices of this worker have no subgroups. */
function withoutSubgroups() {
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = function requestDevice(asked) {
    const requiredFeatures = [...(asked?.requiredFeatures ?? [])].filter((feature) => !feature.startsWith('subgroup'));
    return request.call(this, { ...asked, requiredFeatures });
  };
}

async function open({ provider, model, inputs, shapes, subgroups }) {
  if (!subgroups) withoutSubgroups();
  const ort = await import(PROVIDERS[provider]);
  ort.env.wasm.wasmPaths = new URL('/ort/', location.href).href;
  ort.env.wasm.numThreads = 1;
  const begun = performance.now();
  const bytes = new Uint8Array(await (await fetch(`/onnx/${model}.onnx`)).arrayBuffer());
  session = await ort.InferenceSession.create(bytes, { executionProviders: [provider], graphOptimizationLevel: 'all' });
  const opened = performance.now();
  const device = provider === 'webgpu' ? await ort.env.webgpu.device : null;
  feeds = {};
  for (const name of inputs) {
    const values = await floats(name);
    // What is the same in every step stays on the device; the latents come from the host and go back there, 64 KiB each.
    feeds[name] = device && name !== 'latents' ? onDevice(ort, device, values, shapes[name]) : new ort.Tensor('float32', values, shapes[name]);
  }
  const first = performance.now();
  const { output } = await session.run(feeds);
  const ran = performance.now();
  return { error: relative(output.data, await floats('expected')), open_ms: opened - begun, first_ms: ran - first, adapter: device ? about(device) : 'wasm', version: ort.env.versions.web };
}

function onDevice(ort, device, values, dims) {
  const size = Math.ceil(values.byteLength / 16) * 16;
  const buffer = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, values);
  return ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims });
}

const about = ({ adapterInfo }) => [adapterInfo?.vendor, adapterInfo?.architecture, adapterInfo?.device, adapterInfo?.description].filter(Boolean).join(' ');

/** Relative L2. */
function relative(got, expected) {
  let [difference, norm] = [0, 0];
  expected.forEach((value, at) => {
    difference += (got[at] - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / norm);
}

async function measure({ runs }) {
  const begun = performance.now();
  for (let run = 0; run < runs; run += 1) await session.run(feeds);
  return { ms: (performance.now() - begun) / runs };
}

const calls = { open, measure };
self.onmessage = async ({ data: { what, argument } }) => {
  try {
    self.postMessage({ value: await calls[what](argument) });
  } catch (error) {
    self.postMessage({ error: String(error?.message ?? error) });
  }
};
