// Chromium, with WebGPU on a software adapter or without WebGPU, as notes on toolchains say it works.

import { existsSync } from 'node:fs';
import { installed } from './where.mjs';

const { chromium } = installed('playwright-core');

const QUIET = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** The last three are needed to present to a canvas. */
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--use-angle=swiftshader', '--enable-features=Vulkan', '--use-vulkan=swiftshader'];
/** Names that are not localhost, so that pages from there have no secure context. */
export const INSECURE = 'insecure.test';
const NAMES = `--host-resolver-rules=MAP ${INSECURE} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1`;

export function chromiumPath() {
  const known = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const path = known.find((one) => one && existsSync(one));
  if (!path) throw new Error('no Chromium: install Debian\'s package `chromium`, or set CHROMIUM to a binary');
  return path;
}

const options = (webgpu, args) => ({ executablePath: chromiumPath(), headless: true, args: [...QUIET, ...(webgpu ? WEBGPU : []), NAMES, ...args] });

/** A browser whose contexts keep nothing. */
export const launch = ({ webgpu = true, args = [] } = {}) => chromium.launch(options(webgpu, args));

/** A context with a folder on the disk, as people have: what is kept is not kept in memory. */
export const launchIn = (folder, { webgpu = true, args = [] } = {}) => chromium.launchPersistentContext(folder, options(webgpu, args));

/** The blank page of a server, the package imported. Whatever goes wrong in it is printed. */
export async function blank(context, at) {
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`    page: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && console.error(`    page: ${message.text()}`));
  await page.goto(`${at}/blank`);
  await page.waitForFunction(() => globalThis.ready === true, null, { timeout: 20_000 });
  return page;
}

/** Process ids by type: `renderer`, `GPU`, `browser`. */
export async function processes(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo;
}
