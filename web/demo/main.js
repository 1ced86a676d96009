// The page: puts form, model, picture, strip and receipt together. `data-state` of <body> is loading, ready, making or error.
// The address takes `?backend=webgpu|cpu` and `#prompt=…&seed=…` (link.js).

import { ways, wire } from './buttons.js';
import { $, say, time, turn } from './dom.js';
import { hideError, isStopped, showError } from './errors.js';
import { Form } from './form.js';
import { Gallery } from './gallery.js';
import { isKept, watchKept } from './kept.js';
import { fromHash, toHash } from './link.js';
import { Maker, SHIPPED } from './maker.js';
import { ModelCard, toSource } from './model.js';
import { startOffline, tell } from './offline.js';
import { Picture } from './picture.js';
import { beads, clearBars, onLoad } from './progress.js';
import { Studio } from './studio.js';
import { Timings } from './timings.js';
import { showBackend } from './where.js';

window.onelaunchDemo = { timings: null, first: null };

const timings = new Timings();
const picture = new Picture();
const form = new Form({ seedChanged: (seed) => picture.seed(seed) });
const maker = new Maker({ onLoad, timings });
const studio = new Studio({ maker, timings, picture, onLoaded });
const card = new ModelCard(takeModel, takeRecipe);
const gallery = new Gallery({ picture, form, restored });
/** Ends the picture that is being made. */
let stop = null;
let retry = () => look();
/** The last source that could be looked at. */
let seen = SHIPPED;

function state(name) {
  document.body.dataset.state = name;
  if (name === 'ready' && !timings.at.usable) timings.mark('usable');
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
    if (maker.isShipped && isKept()) await open();
    if (isMine() && maker.pipe) state('ready');
    const plan = await maker.look();
    if (!plan) return;
    seen = maker.source;
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

/** Opens what is here; who stops that still gets to see the plan. */
async function open() {
  const { source } = maker;
  try {
    onLoaded(await maker.load(), source);
  } catch (error) {
    if (!isStopped(error)) throw error;
  }
}

function onLoaded(pipe, source) {
  showBackend(pipe, maker.backend);
  watchKept(pipe, source, async (kept, why) => {
    const plan = await maker.look().catch(() => null);
    if (plan && maker.source === source) card.planned(source, plan, true, kept ? '' : why);
  });
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
    await gallery.add(entry);
    await turn();
    say($('status'), `Done in ${time(entry.ms)}.`);
    stop = null;
    state('ready');
  } catch (error) {
    stop = null;
    if (isStopped(error)) stopped(settings);
    else failed(error, generate);
  }
}

/** A past picture brings its settings; not while another one is being made. */
function restored({ settings }) {
  if (stop) return false;
  form.write(settings);
  return true;
}

function stopped({ steps }) {
  clearBars();
  beads(0, steps);
  say($('status'), 'Stopped. Nothing was lost.');
  gallery.back();
  // Whoever stopped it by taking another model looks at that one now.
  if (document.body.dataset.state === 'making') state('ready');
}

function failed(error, again) {
  // After all other errors the device or the program holds nothing that can be used again.
  if (!['BadRequest', 'Unsupported'].includes(error.name)) maker.drop();
  retry = again;
  console.error(error);
  clearBars();
  state('error');
  say($('status'), '');
  showError(error, { isShipped: maker.isShipped, backend: maker.backend, hasPlan: maker.plan !== null }, ways(page));
  gallery.back();
}

async function takeModel(source) {
  stop?.abort();
  maker.use({ source });
  clearBars();
  await look({ defaults: true });
  if (document.body.dataset.state !== 'error' || maker.source !== source || maker.plan || seen === source) return;
  retry = () => takeModel(source);
  await back(seen);
}

/** What cannot be looked at is not taken: beside its error the page has the model of before. */
async function back(source) {
  maker.use({ source });
  card.looking(source, { field: false });
  const plan = await maker.look().catch(() => null);
  if (!plan) return;
  card.planned(source, plan, isKept());
  if (!maker.pipe) showBackend(plan, maker.backend);
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

const page = {
  picture, generate, follow, useBackend,
  current: () => gallery.current,
  cancel: () => { if (stop) { stop.abort(); say($('status'), 'Stopping …'); } },
  remove: () => gallery.remove(),
  clear: () => gallery.clear(),
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
  await gallery.open();
  await looked;
  startOffline({ isBusy: () => stop !== null });
}

start();
