// Where things are, and what was installed for the tests.

import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const HERE = dirname(dirname(fileURLToPath(import.meta.url)));
export const ROOT = dirname(dirname(HERE));
/** What `cargo xtask web` made. */
export const WEB = join(ROOT, 'target/web');
/** What `cargo xtask web --tests` made besides. */
export const WEB_TESTS = join(ROOT, 'target/web-tests');
export const PKG = join(WEB, 'pkg');
export const MODEL = join(WEB, 'models/emoji-mini');
/** Packages of npm, which belong to no commit. */
export const INSTALLED = join(ROOT, '.cache/web-tests');
export const NATIVE = join(ROOT, 'target/release/onelaunch');
/** Pictures and figures for people. */
export const ARTEFACTS = join(ROOT, 'target/web-artefacts');
mkdirSync(ARTEFACTS, { recursive: true });

/** Something that was installed from npm. */
export const installed = createRequire(join(INSTALLED, 'package.json'));

/** A folder of this run alone. */
export function scratch(name) {
  const folder = join(ROOT, 'target/web-tests-scratch', `${name}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}
