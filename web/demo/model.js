// The model card: which model, what it costs to get, and how to take another one.

import { $, bytes, make, say } from './dom.js';
import { folderName, folderOfDrop, pickFolder } from './folder.js';
import { SHIPPED, recipeOf } from './maker.js';

const NETWORKS = ['text_encoder', 'text_encoder_2', 'transformer', 'unet', 'vae'];

export class ModelCard {
  /** `take(source)` is called with a new source, `takeRecipe(recipe)` with that of a dropped picture. */
  constructor(take, takeRecipe) {
    this.take = take;
    this.takeRecipe = takeRecipe;
    const fromField = () => this.take(toSource($('model-source').value));
    $('model-use').addEventListener('click', fromField);
    $('model-source').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      fromField();
    });
    $('model-shipped').addEventListener('click', () => this.take(SHIPPED));
    $('model-folder').addEventListener('click', async () => {
      const folder = await pickFolder($('model-files'));
      if (folder) this.take(folder);
    });
    $('model-files').addEventListener('change', ({ target }) => {
      if (target.files.length) this.take([...target.files]);
      target.value = '';
    });
    this.#drops();
  }

  /** What is being looked at. Without `field` what the person wrote stays, to be mended. */
  looking(source, { field = true } = {}) {
    const shipped = source === SHIPPED;
    say($('model-name'), shipped ? 'emoji-mini' : nameOf(source));
    $('model-facts').replaceChildren();
    $('model-shipped').hidden = shipped;
    $('ideas').hidden = !shipped;
    if (field && shipped) $('model-source').value = '';
    else if (field && typeof source === 'string') $('model-source').value = source;
    $('size').textContent = 'Looking at the model …';
  }

  /** The plan's figures, and the size of the download before it starts. */
  planned(source, plan, kept, whyNot = '') {
    const { model = {}, memory = {} } = plan;
    if (source !== SHIPPED && model.name) say($('model-name'), model.name);
    const facts = [
      ['Download', typeof source === 'string' ? bytes(plan.download) : `none, ${bytes(plan.download)} are read here`],
      ['Memory', bytes(memory.total ?? 0)],
      ['Picture', model.width ? `${model.width} × ${model.height}` : null],
      ['Made of', NETWORKS.map((part) => model.classes?.[part]).filter(Boolean).join(', ')],
    ];
    $('model-facts').replaceChildren(...facts.filter(([, figure]) => figure).map(([what, figure]) => make('div', {}, make('dt', {}, what), make('dd', {}, figure))));
    this.#size(source, plan, kept, whyNot);
  }

  /** The line under the button. `kept` says whether the weights are on this device by now. */
  #size(source, plan, kept, whyNot) {
    if (plan.fits === false) say($('size'), 'This model does not fit here, so nothing is downloaded.');
    else if (whyNot) say($('size'), `The model is not kept for the next visit: ${whyNot}.`);
    else if (typeof source !== 'string') say($('size'), `${bytes(plan.download)} are read from your folder. Nothing is uploaded.`);
    else if (kept) say($('size'), 'The model is on this device: no download.');
    else say($('size'), `The first picture downloads ${bytes(plan.download)} once.`);
  }

  #drops() {
    let depth = 0;
    const zone = $('dropzone');
    const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
    addEventListener('dragenter', (event) => { if (hasFiles(event)) { depth += 1; zone.hidden = false; } });
    addEventListener('dragleave', (event) => { if (hasFiles(event)) { depth = Math.max(0, depth - 1); zone.hidden = depth === 0; } });
    addEventListener('dragover', (event) => { if (hasFiles(event)) event.preventDefault(); });
    addEventListener('drop', async (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      zone.hidden = true;
      const files = [...event.dataTransfer.files];
      const folder = folderOfDrop(event.dataTransfer);
      const recipe = files.length === 1 && files[0].type === 'image/png' ? await recipeOf(files[0]) : null;
      if (recipe) return this.takeRecipe(recipe);
      const source = await folder;
      return source ? this.take(source) : undefined;
    });
  }
}

/** An empty field means the model that ships; relative addresses count from the page. */
export function toSource(text) {
  const wanted = text.trim();
  if (!wanted) return SHIPPED;
  if (/^(\.{0,2}\/|https?:)/i.test(wanted)) return new URL(wanted, document.baseURI).href;
  return wanted;
}

/** How a link names the source: nothing for the shipped model, null for one that no link can name. */
export function sourceForLink(source) {
  if (source === SHIPPED) return undefined;
  return typeof source === 'string' ? source : null;
}

export function nameOf(source) {
  if (source === SHIPPED) return 'emoji-mini';
  if (typeof source !== 'string') return folderName(source);
  return source.replace(/\/+$/, '').split('/').slice(-2).join('/');
}
