/** Where a model is: an address of its folder, `org/name` on the hub, or a local folder. */
export type Source =
  | string
  | URL
  | FileList
  | readonly File[]
  | FileSystemDirectoryHandle
  /** Of a drop: `load` or `plan` must be called in the event itself. */
  | DataTransferItemList;

export interface Progress {
  phase: 'download' | 'weights' | 'compile';
  /** Bytes; kernels in phase `compile`. */
  loaded: number;
  total: number;
  /** The file that is being downloaded. */
  file?: string;
}

export interface PlanOptions {
  signal?: AbortSignal;
  /** `auto`, the default: WebGPU on a hardware adapter, else the CPU. */
  backend?: 'auto' | 'webgpu' | 'cpu';
  /** Storage of activations; `f32` where absent. */
  precision?: 'f32' | 'f16';
  /** The hub or a mirror of it, for `org/name`. */
  baseUrl?: string | URL;
  /** Branch, tag or commit on the hub; `main` where absent. */
  revision?: string;
  /** Bytes that a plan may need; a larger one is refused before its download. On phones 1 GB where absent. */
  maxBytes?: number;
  /** Where `worker.js` is, if not beside this module. */
  workerUrl?: string | URL;
  /** Where `onelaunch_web_bg.wasm` is, if not beside the worker. */
  wasmUrl?: string | URL;
}

export interface LoadOptions extends PlanOptions {
  onProgress?(progress: Progress): void;
  onWarning?(message: string): void;
  /** Makes `pipe.debug` available. */
  debug?: boolean;
}

/** What a model is, and its defaults for a form. */
export interface Model {
  name: string;
  classes: Record<string, string>;
  width: number;
  height: number;
  steps: number;
  guidance: number;
  sampler: string;
  samplers: string[];
  /** Width and height are multiples of it. */
  multiple: number;
}

export interface Plan {
  /** Bytes of weights that loading reads. */
  download: number;
  /** Bytes of the files that hold them. */
  files: number;
  /** Bytes of these files that are kept on this device already. */
  kept: number;
  /** Bytes on the device, by what they are for. */
  memory: { weights: number; activations: number; tables: number; total: number; [what: string]: number };
  /** Bytes of the largest buffer. */
  largest: number;
  limits: { maxBuffer: number; maxBinding: number };
  fits: boolean;
  /** Why it does not fit, with the numbers. */
  problem?: string;
  model: Model;
  backend: 'webgpu' | 'cpu';
  adapter: string;
}

export interface Step {
  /** Rows of the sampler that are done. */
  step: number;
  of: number;
  /** Pictures that are being made together. */
  pictures: number;
}

export interface Preview {
  step: number;
  width: number;
  height: number;
  /** Close it when it was shown. Absent where `canvas` is given: it went there. */
  bitmap?: ImageBitmap;
}

export interface GenerateOptions {
  prompt: string;
  negative?: string;
  steps?: number;
  guidance?: number;
  /** Fractions of the schedule between which guidance is on. */
  guidanceInterval?: [number, number];
  sampler?: string;
  eta?: number;
  sigmas?: string;
  spacing?: string;
  /** 0 to 2^64 - 1; by chance where absent. Picture i has seed + i. */
  seed?: number | bigint | string;
  noise?: string;
  width?: number;
  height?: number;
  count?: number;
  /** One submit for all of it, whoever watches. */
  whole?: boolean;
  /** Shows the previews and the first finished picture. */
  canvas?: HTMLCanvasElement | OffscreenCanvas;
  /** Whether previews are made; where absent, if `canvas` or `onPreview` is given. */
  previews?: boolean;
  signal?: AbortSignal;
  onStep?(step: Step): void;
  onPreview?(preview: Preview): void;
  /** Kernels of a size that is new; where absent, that of `load` hears of them. */
  onProgress?(progress: Progress): void;
  onWarning?(message: string): void;
}

/** Everything that decides one picture. */
export interface Recipe {
  prompt: string;
  negative: string;
  steps: number;
  guidance: number;
  guidance_interval: [number, number];
  sampler: string;
  eta: number;
  sigmas: string;
  spacing?: string;
  seed: number | bigint;
  noise: string;
  width: number;
  height: number;
  precision: string;
  model: string;
}

export interface Timings {
  /** Seconds to make kernels ready that were not yet. */
  compile: number;
  /** Seconds from the first dispatch to pixels. */
  image: number;
  chunks: number;
  submits: number;
  dispatches: number;
  readbacks: number;
  launches: number;
}

export interface Result {
  images: ImageData[];
  /** A PNG with its recipe; also after `free()`. */
  blob(i?: number): Promise<Blob>;
  /** Of the first picture; a bigint beyond 2^53 - 1. */
  seed: number | bigint;
  timings: Timings;
  backend: 'webgpu' | 'cpu';
  adapter: string;
  recipes: Recipe[];
  kept: 'opfs' | 'no';
  keptWhy: string;
}

export class Pipeline {
  private constructor();
  /** Loads a model into a worker of its own. */
  static load(source: Source, options?: LoadOptions): Promise<Pipeline>;
  /** What loading would take. Only configs and headers are read. */
  static plan(source: Source, options?: PlanOptions): Promise<Plan>;
  /** Makes pictures; calls on one pipeline wait for each other. */
  generate(options: GenerateOptions): Promise<Result>;
  /** Gives everything back at once; what is pending is rejected with `Aborted`. */
  free(): void;
  readonly backend: 'webgpu' | 'cpu';
  /** Why this backend. */
  readonly why: string;
  /** What the device can do. */
  readonly caps: Readonly<Record<string, unknown>>;
  readonly model: Model;
  /** Whether the weights are kept on this device for the next visit. */
  readonly kept: 'opfs' | 'no';
  /** Why not. */
  readonly keptWhy: string;
  /** For tests, with `debug: true`. */
  readonly debug?: {
    destroyDevice(): Promise<void>;
    kernels(options: GenerateOptions): Promise<unknown>;
  };
}

export type ErrorName =
  | 'NoWebGpu'
  | 'OutOfMemory'
  | 'DeviceLost'
  | 'BadModel'
  | 'BadRequest'
  | 'Unsupported'
  | 'Aborted'
  | 'Download'
  | 'Internal'
  | 'TooLarge'
  | 'VersionMismatch';

/** Everything that this package rejects with. */
export class OnelaunchError extends Error {
  name: ErrorName;
  /** Of `NoWebGpu`. */
  reason?: 'insecure' | 'missing' | 'adapter';
  /** Bytes, of `OutOfMemory` and `TooLarge`. */
  needed?: number;
  free?: number;
  limit?: number;
  constructor(name: ErrorName, message: string, more?: { reason?: string; needed?: number; free?: number; limit?: number; cause?: unknown });
}

/** The recipe in a PNG that onelaunch made. */
export function readRecipe(png: Blob, options?: { workerUrl?: string | URL; wasmUrl?: string | URL }): Promise<Recipe>;

/** Deletes every model that is kept on this device. */
export function forget(): Promise<void>;
