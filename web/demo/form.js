// The fields of a picture: read, written, checked, remembered over a reload.

import { $ } from './dom.js';
import { SAMPLERS, isSeed, rollSeed } from './link.js';

const DRAFT = 'onelaunch.draft';
const FIELDS = ['prompt', 'negative', 'steps', 'guidance', 'sampler', 'seed'];
// What the text is must come from what the model saw: a colour and a thing.
const IDEAS = ['a red apple', 'a blue cat face', 'a teal umbrella', 'a golden bell', 'a purple guitar', 'a green car',
  'a pink octopus', 'a pizza', 'a yellow house', 'a blue strawberry', 'a purple mushroom', 'a golden rocket', 'a pink cactus',
  'a brown bear', 'an orange owl', 'a green ghost', 'a teal teapot', 'a red balloon', 'a white rabbit', 'a blue banana'];

export class Form {
  /** Whether the person chose the seed since the last picture; then it stays. */
  seedIsChosen = true;

  constructor({ seedChanged }) {
    this.seedChanged = seedChanged;
    this.setSamplers(Object.keys(SAMPLERS));
    $('seed').addEventListener('input', () => { this.seedIsChosen = true; this.#showSeed(); });
    $('dice').addEventListener('click', () => this.roll(true));
    $('prompt').addEventListener('input', fitPrompt);
    $('prompt').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      $('form').requestSubmit();
    });
    addEventListener('resize', fitPrompt, { passive: true });
    document.fonts?.ready.then(fitPrompt);
    addEventListener('pagehide', () => this.keepDraft());
    this.#ideas();
  }

  /** The settings as they stand; texts trimmed. */
  read() {
    return {
      prompt: $('prompt').value.trim(), negative: $('negative').value.trim(), steps: Number($('steps').value),
      guidance: Number($('guidance').value), sampler: $('sampler').value, seed: $('seed').value.trim(),
    };
  }

  /** Puts settings into the fields; what is undefined stays. */
  write(settings) {
    for (const key of FIELDS) {
      const value = settings[key];
      if (value === undefined) continue;
      if (key === 'sampler' && !SAMPLERS[value]) continue;
      $(key).value = String(value);
    }
    if (settings.seed !== undefined) this.seedIsChosen = true;
    this.#showSeed();
    fitPrompt();
  }

  /** Whether all can be used; else the browser points at the field and says why. */
  check() {
    const wrong = this.#wrong();
    for (const id of ['steps', 'guidance', 'seed']) $(id).setCustomValidity(wrong?.[0] === id ? wrong[1] : '');
    if (wrong) $(wrong[0]).reportValidity();
    return !wrong;
  }

  /** The first field that cannot be used, with the sentence that says so. */
  #wrong() {
    const { steps, guidance, seed } = this.read();
    if (!Number.isInteger(steps) || steps < 1 || steps > 256) return ['steps', 'Steps are a whole number from 1 to 256.'];
    if ($('guidance').value === '' || !(guidance >= 0 && guidance <= 50)) return ['guidance', 'Guidance is a number from 0 to 50; up to 1 it is off.'];
    if (!isSeed(seed)) return ['seed', 'A seed is a whole number below 18446744073709551616. The dice makes one.'];
    return null;
  }

  roll(animate) {
    $('seed').value = rollSeed();
    this.seedIsChosen = true;
    this.#showSeed();
    if (!animate) return;
    const dice = $('dice');
    dice.classList.remove('rolling');
    requestAnimationFrame(() => dice.classList.add('rolling'));
  }

  setSamplers(names) {
    const chosen = $('sampler').value;
    $('sampler').replaceChildren(...names.map((name) => new Option(SAMPLERS[name] ?? name, name)));
    if (names.includes(chosen)) $('sampler').value = chosen;
  }

  /** A model's own defaults. */
  setDefaults(model) {
    if (model.samplers?.length) this.setSamplers(model.samplers);
    this.write({ steps: model.steps, guidance: model.guidance, sampler: model.sampler });
  }

  keepDraft() {
    try { sessionStorage.setItem(DRAFT, JSON.stringify(this.read())); } catch { /* no storage: the draft is only a comfort */ }
  }

  draft() {
    try { return JSON.parse(sessionStorage.getItem(DRAFT)); } catch { return null; }
  }

  #showSeed() {
    const seed = $('seed').value.trim();
    if (isSeed(seed)) this.seedChanged(seed);
  }

  #ideas() {
    const some = IDEAS.map((idea) => [Math.random(), idea]).sort().slice(0, 5).map(([, idea]) => idea);
    $('ideas').replaceChildren(...some.map((idea) => {
      const button = Object.assign(document.createElement('button'), { type: 'button', textContent: idea.replace(/^an? /, '') });
      button.addEventListener('click', () => { this.write({ prompt: idea }); $('prompt').focus(); });
      return button;
    }));
  }
}

const GROWS = CSS.supports('field-sizing', 'content');

/** The prompt grows with its text; where CSS does that, nothing needs to be measured. */
function fitPrompt() {
  if (GROWS) return;
  const prompt = $('prompt');
  prompt.style.height = 'auto';
  prompt.style.height = `${prompt.scrollHeight}px`;
}
