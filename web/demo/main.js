// The page: puts form, model, picture, strip and receipt together. `data-state` of <body> is loading, ready, making or error.
// The address takes `?backend=webgpu|cpu` and `#prompt=…&seed=…` (link.js).

import { ways, wire } from './buttons.js';
import { $, say, time, turn } from './dom.js';
import { hideError, isStopped, showError } from './errors.js';
import { Form } from './form.js';
import { History } from './history.js';
import { isKept, watchKept } from './kept.js';
import { fromHash, toHash } from './link.js';
import { Maker, SHIPPED } from './maker.js';
import { ModelCard, toSource } from './model.js';
import { startOffline, tell } from './offline.js';
import { Picture } from './picture.js';
import { beads, clearBars, onLoad } from './progress.js';
import { showReceipt } from './receipt.js';
import { Strip } from './strip.js';
import { Studio } from './studio.js';
import { applyTint } from './tint.js';
import { Timings } from './timings.js';
import { showBackend } from './where.js';

window.onelaunchDemo = { timings: null, first: null };

const timings = new Timings();
const picture = new Picture();
const form = new Form({ seedChanged: (seed) => picture.seed(seed) });
const maker = new Maker({ onLoad, timings });
const studio = new Studio({ maker, timings, picture, onLoaded });
const card = new ModelCard(takeModel, takeRecipe);
const strip = new Strip(restore);
let history = new History();
/** The entry on the canvas. */
let current = null;
/** Ends the picture that is being made. */
let stop = null;
let retry = () => look();

function state(name) {
  document.body.dataset.state = name;
  const making = name === 'making';
  const hadFocus = document.activeElement === $(making ? 'generate' : 'cancel');
  $('generate').hidden = making;
  $('cancel').hidden = !making;
  if (hadFocus) $(making ? 'cancel' : 'generate').focus();
  picture.busy(making);
}

/** Asks what the model needs. What is on this device already is opened first: no download waits for a yes. */
async function look({ defaults = false } = {}) {
  hideError();
  state('loading');
  retry = () => look({ defaults });
  card.looking(maker.source);
  const isMine = () => document.body.dataset.state === 'loading';
  try {
    if (maker.isShipped && isKept()) onLoaded(await maker.load(), maker.source);
    if (isMine() && maker.pipe) state('ready');
    const plan = maker.plan ?? await maker.look();
    if (!plan) return;
    card.planned(maker.source, plan, isKept());
    if (!maker.pipe) showBackend(plan, maker.backend);
    if (defaults) form.setDefaults(plan.model);
    else form.setSamplers(plan.model.samplers);
    maker.refuse();
    if (isMine()) state('ready');
  } catch (error) {
    // A picture that was asked for meanwhile tells its own errors.
    if (isMine() && !isStopped(error)) failed(error, retry);
  }
}

function onLoaded(pipe, source) {
  showBackend(pipe, maker.backend);
  watchKept(pipe, source, (kept, why) => { if (maker.plan && maker.source === source) card.size(source, maker.plan, true, kept ? '' : why); });
}

async function generate() {
  if (stop || !form.check()) return;
  if ($('fresh').checked && !form.seedIsChosen && studio.last === toHash(form.read())) form.roll(true);
  const settings = form.read();
  hideError();
  const mine = stop = new AbortController();
  clearBars(maker.pipe ? undefined : ['steps']);
  state('making');
  picture.start(settings);
  beads(0, settings.steps);
  say($('status'), 'Making the picture.');
  try {
    const entry = await studio.make(settings, mine.signal);
    form.seedIsChosen = false;
    const kept = history.keeps;
    history.add(entry).then(() => { if (history.keeps !== kept) strip.show(history.entries, current?.id, history.keeps); });
    await show(entry);
    say($('status'), `Done in ${time(entry.ms)}.`);
    stop = null;
    state('ready');
  } catch (error) {
    stop = null;
    if (isStopped(error)) stopped(settings);
    else failed(error, generate);
  }
}

/** Caption, colour, receipt and address of a picture that is on the canvas. */
async function show(entry) {
  current = entry;
  picture.caption(entry);
  applyTint(entry.tint);
  await turn();
  showReceipt(entry.receipt, entry.when);
  await turn();
  if (current !== entry) return;
  if (entry.linkable) window.history.replaceState(null, '', toHash(entry.settings));
  strip.show(history.entries, entry.id, history.keeps);
}

async function restore(entry) {
  if (stop) return;
  form.write(entry.settings);
  await picture.draw(entry);
  await show(entry);
  beads(entry.settings.steps, entry.settings.steps);
  clearBars();
  say($('status'), `Shown again: ${entry.settings.prompt || 'a picture without a prompt'}.`);
}

function stopped({ steps }) {
  clearBars();
  beads(0, steps);
  say($('status'), 'Stopped. Nothing was lost.');
  back();
  state('ready');
}

/** The picture that was there before, or the noise of the seed. */
function back() {
  if (current) picture.draw(current).then(() => picture.caption(current));
  else picture.none($('seed').value);
}

function failed(error, again) {
  // After all other errors the device or the program holds nothing that can be used again.
  if (!['BadRequest', 'Unsupported'].includes(error.name)) maker.drop();
  retry = again;
  console.error(error);
  clearBars();
  state('error');
  say($('status'), '');
  showError(error, { isShipped: maker.isShipped, backend: maker.backend }, ways(page));
  back();
}

function takeModel(source) {
  stop?.abort();
  maker.use({ source });
  clearBars();
  return look({ defaults: true });
}

/** Settings out of a PNG that was dropped. */
function takeRecipe(recipe) {
  form.write({ ...recipe, seed: String(recipe.seed) });
  say($('status'), 'The settings of that picture are in the form.');
}

function useBackend(backend, again = false) {
  $('use-backend').value = backend;
  stop?.abort();
  maker.use({ backend });
  if (again) retry();
  else look();
}

/** A link's settings; a model of someone else is not contacted before the person says so. */
function follow() {
  const link = stop ? null : fromHash(location.hash);
  if (!link) return false;
  form.write({ negative: '', ...link });
  if (link.model && toSource(link.model) !== maker.source) {
    tell(`This link was made with the model ${link.model}.`, 'Look at that model', async () => {
      await takeModel(toSource(link.model));
      form.write(link);
    });
  }
  return true;
}

async function forget(remove, text) {
  await remove();
  current = null;
  picture.none($('seed').value);
  beads(0, form.read().steps || 20);
  strip.show(history.entries, null, history.keeps);
  say($('status'), text);
  $('prompt').focus();
}

const page = {
  picture, generate, follow, useBackend,
  current: () => current,
  cancel: () => { if (stop) { stop.abort(); say($('status'), 'Stopping …'); } },
  remove: () => forget(() => history.remove(current.id), 'Removed.'),
  clear: () => forget(() => history.clear(), 'All removed.'),
  retry: () => retry(),
  takeShipped: () => takeModel(SHIPPED),
  useDefaults: () => { form.setDefaults(maker.plan?.model ?? { steps: 20, guidance: 3.5, sampler: 'dpmpp_2m' }); retry(); },
};

async function start() {
  wire(page);
  const backend = new URLSearchParams(location.search).get('backend');
  if (['webgpu', 'cpu'].includes(backend)) $('use-backend').value = maker.backend = backend;
  if (!follow()) form.write(form.draft() ?? { seed: $('seed').value });
  beads(0, form.read().steps || 20);
  const looked = look();
  history = await History.open();
  strip.show(history.entries, current?.id, history.keeps);
  if (history.entries[0] && !current) applyTint(history.entries[0].tint);
  await looked;
  startOffline({ isBusy: () => stop !== null });
}

start();
