// What is kept of a model on the device: it resumes, never loads half, works for two tabs, and says so where nothing can be kept.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blank } from './lib/browser.mjs';
import { badHost, isWeights } from './lib/host.mjs';
import { ends, failedAs, isCpu, session, until, worked } from './lib/session.mjs';
import { otherWeights } from './lib/spoil.mjs';

const { host: pageHost, context, page } = await session();
const host = ends(await badHost());

/** A picture of the model there, in a page. */
const picture = (where, url, name = 'kept') => where.evaluate(([url, name]) => outcome(async () => {
  const loaded = await load(name, { backend: 'cpu' }, url);
  const made = await make(name, { prompt: 'a red apple', seed: 7, steps: 2 });
  return { loaded, made };
}), [url, name]);

/** Waits until the pipeline says that everything is kept. */
const isKept = (where, name = 'kept') => until('kept', () => where.evaluate((name) => pipes[name].kept === 'opfs', name));
const freed = (where, name = 'kept') => where.evaluate((name) => pipes[name].free(), name);

const first = worked(await picture(page, pageHost.origin + '/models/emoji-mini/'));
isCpu(first.made);
const right = first.made.images[0].rgba;

test('the second load takes no weights from the host, and works without it', async () => {
  const gone = ends(await badHost());
  const model = gone.add();
  assert.equal(worked(await picture(page, model.url)).made.images[0].rgba, right);
  await isKept(page);
  await freed(page);
  const before = model.weightsSent;
  assert.equal(worked(await picture(page, model.url)).made.images[0].rgba, right);
  assert.ok(model.weightsSent - before < 1 << 20, `${model.weightsSent - before} bytes of weights came again`);
  assert.equal(await page.evaluate(() => pipes.kept.kept), 'opfs');
  await freed(page);
  await gone.stop();
  assert.equal(worked(await picture(page, model.url)).made.images[0].rgba, right, 'without the host');
  await freed(page);
});

test('an interrupted download resumes, and half a file never loads', async () => {
  const away = ends(await badHost());
  // Slow, so that little of it is on its way between host and page.
  const slow = away.add({ delay: 25 });
  const tab = await blank(context, pageHost.origin);
  tab.evaluate((url) => load('half', { backend: 'cpu' }, url), slow.url).catch(() => {});
  await until('half of it', () => slow.weightsSent > slow.weightBytes / 2);
  await tab.close();
  // A closed tab's connection ends a moment later; without the delay megabytes would still go into it.
  await until('the end of its connections', () => slow.bodies === 0);
  const sent = slow.weightsSent;
  assert.ok(sent < slow.weightBytes * 0.95, 'the download was over before it was interrupted: the test sees nothing');
  slow.delay = 0;
  assert.equal(worked(await picture(page, slow.url)).made.images[0].rgba, right);
  const again = slow.weightsSent - sent;
  console.log(`    ${sent} bytes before, ${again} after, ${slow.weightBytes} in all`);
  assert.ok(again < slow.weightBytes * 1.2 - sent, `${again} came again, ${sent} were here`);
  await freed(page);

  const half = away.add({ delay: 25 });
  const second = await blank(context, pageHost.origin);
  second.evaluate((url) => load('half', { backend: 'cpu' }, url), half.url).catch(() => {});
  await until('half of it', () => half.weightsSent > half.weightBytes / 2);
  await second.close();
  await away.stop();
  failedAs(await picture(page, half.url), 'Download');
});

test('half a file of another version is not gone on with, and is not in the way', async () => {
  // Nothing tells the versions apart but the bytes where the download is picked up.
  const model = host.add({ delay: 25, validators: false });
  const tab = await blank(context, pageHost.origin);
  tab.evaluate((url) => load('half', { backend: 'cpu' }, url), model.url).catch(() => {});
  await until('half of it', () => model.weightsSent > model.weightBytes / 2);
  await tab.close();
  await until('the end of its connections', () => model.bodies === 0);
  Object.assign(model, { delay: 0, swap: (path) => ({ bytes: path.startsWith('transformer/') && isWeights(path) ? otherWeights(model.files.get(path), 0.1) : undefined }) });
  const made = worked(await picture(page, model.url)).made;
  isCpu(made);
  assert.notEqual(made.images[0].rgba, right, 'the picture is that of the old weights');
  await isKept(page);
  await freed(page);
  assert.equal(worked(await picture(page, model.url)).made.images[0].rgba, made.images[0].rgba, 'two versions are mixed');
  await freed(page);
});

test('two tabs at once download once', async () => {
  const model = host.add({ delay: 4 });
  const tab = await blank(context, pageHost.origin);
  const [a, b] = await Promise.all([picture(page, model.url), picture(tab, model.url)]);
  assert.equal(worked(a).made.images[0].rgba, right);
  assert.equal(worked(b).made.images[0].rgba, right);
  console.log(`    ${model.weightsSent} bytes sent for ${model.weightBytes}`);
  assert.ok(model.weightsSent < model.weightBytes * 1.2, 'the weights came twice');
  await Promise.all([isKept(page), isKept(tab)]);
  await tab.close();
  await freed(page);
});

test('a model that changed on the host is not taken from what was kept', async () => {
  const model = host.add();
  worked(await picture(page, model.url));
  await isKept(page);
  await freed(page);
  const before = model.weightsSent;
  model.swap = () => ({ version: '2' });
  assert.equal(worked(await picture(page, model.url)).made.images[0].rgba, right);
  assert.ok(model.weightsSent - before > model.weightBytes * 0.8, 'another ETag, and the old bytes were taken');
  await freed(page);
});

test('with no room it loads without keeping, and says so', async () => {
  const session = await context.newCDPSession(page);
  const quota = (bytes) => session.send('Storage.overrideQuotaForOrigin', { origin: pageHost.origin, ...(bytes ? { quotaSize: bytes } : {}) });
  await page.evaluate(() => onelaunch.forget());
  try {
    await quota(1 << 20);
    const got = worked(await picture(page, host.add().url));
    assert.equal(got.made.images[0].rgba, right);
    assert.equal(got.made.kept, 'no');
    assert.match(got.made.keptWhy, /room/);
    await freed(page);
  } finally {
    await quota(0);
  }
});

test('forget() deletes what was kept', async () => {
  const model = host.add();
  worked(await picture(page, model.url));
  await isKept(page);
  await freed(page);
  await until('forgotten', () => page.evaluate(() => onelaunch.forget().then(() => true, () => false)));
  const before = model.weightsSent;
  worked(await picture(page, model.url));
  assert.ok(model.weightsSent - before > model.weightBytes * 0.8, 'it was still there');
});
