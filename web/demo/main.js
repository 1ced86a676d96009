// The page: puts form, model, picture, strip and receipt together. States of <body data-state>: loading, ready, making, error.
// The address takes `?backend=webgpu|cpu` and `#prompt=…&seed=…` (link.js).

import { $, copy, say, time } from './dom.js';
import { hideError, isStopped, showError } from './errors.js';
import { Form } from './form.js';
import { History } from './history.js';
import { fromHash, toHash, toLink } from './link.js';
import { Maker, SHIPPED } from './maker.js';
import { ModelCard, nameOf, sourceForLink, toSource } from './model.js';
import { keepModel, startOffline, tell } from './offline.js';
import { Picture } from './picture.js';
import { bar, beads, clearBars, waiting } from './progress.js';
import { receiptLines, receiptText, showReceipt } from './receipt.js';
import { Strip } from './strip.js';
import { applyTint, tintOf } from './tint.js';
import { Timings } from './timings.js';
import { showBackend, showHelp } from './where.js';

const KEPT = 'onelaunch.kept';
const timings = new Timings();
const picture = new Picture();
const form = new Form({ seedChanged: (seed) => picture.seed(seed) });
const maker = new Maker({ onLoad, timings });
const card = new ModelCard(takeModel);
const strip = new Strip(restore);
let history = new History();
let current = null;
let stop = null;
let last = null;
let isFirst = true;
let again = look;

window.onelaunchDemo = { timings: null };

function state(name) {
  document.body.dataset.state = name;
  const making = name === 'making';
  const hadFocus = document.activeElement === $(making ? 'generate' : 'cancel');
  $('generate').hidden = making;
  $('cancel').hidden = !making;
  if (hadFocus) $(making ? 'cancel' : 'generate').focus();
  picture.busy(making);
}

function onLoad({ phase, loaded, total }) {
  if (phase === 'compile') bar('compile', loaded, total, { unit: 'kernels' });
  else bar('download', loaded, total, { unit: 'bytes', label: phase === 'download' ? 'Download' : 'Weights' });
}

/** Asks what the model needs; with `load`, gets it too because it is here already. */
async function look({ load = false, defaults = false } = {}) {
  hideError();
  state('loading');
  again = () => look({ load, defaults });
  card.looking(maker.source);
  try {
    const plan = await maker.look();
    if (!plan) return;
    card.planned(maker.source, plan, isKept());
    showBackend(plan, maker.backend);
    if (defaults) form.setDefaults(plan.model);
    else form.setSamplers(plan.model.samplers);
    maker.refuse();
    if (load) await maker.load().then(loaded);
    if (document.body.dataset.state === 'loading') state('ready');
  } catch (error) {
    // A picture that was asked for meanwhile tells its own errors.
    if (document.body.dataset.state === 'loading') failed(error, again);
  }
}

function loaded(pipe) {
  showBackend(pipe, maker.backend);
  return pipe;
}

async function generate() {
  if (stop) return;
  const wrong = form.wrong();
  for (const id of ['steps', 'guidance', 'seed']) $(id).setCustomValidity(wrong?.[0] === id ? wrong[1] : '');
  if (wrong) { $(wrong[0]).reportValidity(); return; }
  if ($('fresh').checked && !form.seedIsChosen && last === toHash(form.read())) form.roll(true);
  const settings = form.read();
  hideError();
  stop = new AbortController();
  again = generate;
  clearBars(maker.pipe ? undefined : ['steps']);
  state('making');
  picture.start(settings);
  beads(0, settings.steps);
  say($('status'), 'Making the picture.');
  try {
    const entry = await makeOne(settings, stop.signal);
    history.add(entry).then(() => strip.show(history.entries, entry.id, history.keeps));
    show(entry);
    say($('status'), `Done in ${time(entry.ms)}: ${settings.prompt || 'a picture without a prompt'}.`);
    state('ready');
  } catch (error) {
    if (isStopped(error)) stopped();
    else failed(error, generate);
  } finally {
    stop = null;
    document.title = 'onelaunch: type a few words, get a sticker';
  }
}

async function makeOne(settings, signal) {
  if (!maker.pipe) waiting('download', 'opening …');
  const source = maker.source;
  const pipe = await maker.load().then(loaded);
  signal.throwIfAborted();
  timings.mark('begin');
  waiting('steps', 'reading the prompt …');
  const result = await pipe.generate({
    ...settings, seed: BigInt(settings.seed), canvas: $('canvas'), signal,
    onStep: ({ step, of }) => {
      timings.mark('step');
      bar('steps', step, of, { unit: 'steps' });
      beads(step, of);
      document.title = `${step}/${of} · onelaunch`;
    },
    onPreview: () => picture.reveal(),
  });
  picture.reveal();
  timings.mark('pixels');
  const spent = timings.done((result.timings?.compile ?? 0) * 1000, isFirst);
  isFirst = false;
  window.onelaunchDemo.timings = { ...spent, native: result.timings, backend: result.backend, adapter: result.adapter };
  noteKept(source, result.kept);
  const [image] = result.images;
  const model = sourceForLink(source);
  last = toHash(settings);
  form.seedIsChosen = false;
  const made = { ...settings, model: model ?? undefined };
  return {
    when: Date.now(), blob: await result.blob(0), settings: made, linkable: model !== null, tint: tintOf(image),
    ms: spent.first ? spent.total - spent.waited - spent.page : spent.total, width: image.width, height: image.height,
    receipt: receiptLines({ settings, timings: spent, result, plan: maker.plan, size: `${image.width} × ${image.height}`, model: nameOf(source) }),
  };
}

/** Caption, colour, receipt and address of a picture that is on the canvas. */
function show(entry) {
  current = entry;
  picture.caption(entry);
  applyTint(entry.tint);
  showReceipt(entry.receipt, entry.when);
  if (entry.linkable) window.history.replaceState(null, '', toHash(entry.settings));
  strip.show(history.entries, entry.id, history.keeps);
}

async function restore(entry) {
  if (stop) return;
  form.write(entry.settings);
  await picture.draw(entry);
  show(entry);
  say($('status'), `Shown again: ${entry.settings.prompt || 'a picture without a prompt'}.`);
}

function stopped() {
  clearBars(['steps']);
  beads(0, Number($('steps').value) || 20);
  say($('status'), 'Stopped. Nothing was lost.');
  if (current) picture.draw(current);
  state('ready');
}

function failed(error, retry) {
  // After these the device or the program holds nothing that can be used again.
  if (!['BadRequest', 'Unsupported'].includes(error.name)) maker.drop();
  again = retry;
  console.error(error);
  clearBars();
  state('error');
  say($('status'), '');
  showError(error, { isShipped: maker.isShipped, backend: maker.backend }, {
    retry: () => again(),
    cpu: () => { $('use-backend').value = 'cpu'; maker.use({ backend: 'cpu' }); again(); },
    shipped: () => takeModel(SHIPPED),
    source: () => { $('model-source').focus(); $('model-source').select(); },
    defaults: () => { form.setDefaults(maker.plan?.model ?? { steps: 20, guidance: 3.5, sampler: 'dpmpp_2m' }); again(); },
    reload: () => location.reload(),
    help: showHelp,
    details: async (what) => say($('status'), await copy(`${what.name}: ${what.message}\n${what.stack ?? ''}\n${navigator.userAgent}`) ? 'Copied.' : 'The browser did not let us copy.'),
  });
  if (current) picture.draw(current);
}

function takeModel(source) {
  stop?.abort();
  maker.use({ source });
  clearBars();
  return look({ defaults: true });
}

const isKept = () => maker.isShipped && localStorage.getItem(KEPT) === '1';

function noteKept(source, kept) {
  if (source !== SHIPPED) return;
  const isKeptNow = String(kept).startsWith('opfs');
  try { localStorage.setItem(KEPT, isKeptNow ? '1' : '0'); } catch { /* then the next visit asks again */ }
  if (!isKeptNow) keepModel();
  if (maker.plan) card.size(source, maker.plan, true);
}

/** A link's settings; a model of someone else is not contacted before the person says so. */
function followLink() {
  const link = fromHash(location.hash);
  if (!link) return false;
  form.write({ negative: '', ...link });
  if (link.model && toSource(link.model) !== maker.source) {
    $('model-source').value = link.model;
    tell(`This link was made with the model ${link.model}.`, 'Look at that model', () => takeModel(toSource(link.model)).then(() => form.write(link)));
  }
  return true;
}

function wire() {
  $('form').addEventListener('submit', (event) => { event.preventDefault(); generate(); });
  $('cancel').addEventListener('click', cancel);
  addEventListener('keydown', (event) => { if (event.key === 'Escape' && stop) cancel(); });
  addEventListener('hashchange', () => { if (!stop) followLink(); });
  $('use-backend').addEventListener('change', ({ target }) => { stop?.abort(); maker.use({ backend: target.value }); look(); });
  $('backend').addEventListener('click', (event) => { event.preventDefault(); showHelp(); });
  $('download').addEventListener('click', () => picture.download(current));
  $('copy-link').addEventListener('click', async () => say($('status'), await copy(toLink(current.settings)) ? 'The link is on the clipboard.' : 'Copy the address of this page: it is the link.'));
  $('share').addEventListener('click', () => picture.share(current, toLink(current.settings)));
  $('copy-receipt').addEventListener('click', async () => say($('status'), await copy(receiptText(current.receipt)) ? 'The receipt is on the clipboard.' : 'The browser did not let us copy.'));
  $('remove').addEventListener('click', () => forget(() => history.remove(current.id), 'Removed.'));
  $('clear').addEventListener('click', () => { if (confirm('Remove all pictures from this device?')) forget(() => history.clear(), 'All removed.'); });
}

async function forget(remove, text) {
  await remove();
  current = null;
  picture.none($('seed').value);
  strip.show(history.entries, null, history.keeps);
  say($('status'), text);
  $('prompt').focus();
}

function cancel() {
  stop?.abort();
  maker.cancelLoad();
  say($('status'), 'Stopping …');
}

async function start() {
  wire();
  const backend = new URLSearchParams(location.search).get('backend');
  if (['webgpu', 'cpu'].includes(backend)) { $('use-backend').value = backend; maker.backend = backend; }
  if (!followLink()) form.write(form.draft() ?? { seed: $('seed').value });
  beads(0, Number($('steps').value) || 20);
  const looked = look({ load: isKept() });
  history = await History.open();
  strip.show(history.entries, null, history.keeps);
  if (history.entries[0]) applyTint(history.entries[0].tint);
  await looked;
  startOffline({ isBusy: () => stop !== null });
}

start();
