// The worker: the only place where wasm and WebGPU are touched. One worker holds one model, so that giving it up gives all memory back.

import init, { Engine, Signal, png, read_recipe, version } from './onelaunch_web.js';
import { serve } from './source/serve.js';

const wasm = new URL('./onelaunch_web_bg.wasm', import.meta.url);

serve({ build: '__ONELAUNCH_VERSION__', wasm, init, Engine, Signal, png, readRecipe: read_recipe, version });
