// The strip of past pictures: one stop for the Tab key, arrow keys inside.

import { $, make } from './dom.js';

export class Strip {
  #addresses = new Map();

  /** `choose(entry)` is called when a person picks one. */
  constructor(choose) {
    this.choose = choose;
    $('strip').addEventListener('keydown', (event) => this.#walk(event));
  }

  show(entries, current, keeps) {
    const hadFocus = $('strip').contains(document.activeElement);
    const used = new Set(entries.map(({ id }) => id));
    for (const [id, address] of this.#addresses) {
      if (!used.has(id)) { URL.revokeObjectURL(address); this.#addresses.delete(id); }
    }
    $('strip').replaceChildren(...entries.map((entry, at) => this.#item(entry, entry.id === current, current ? entry.id === current : at === 0)));
    if (hadFocus) $('strip').querySelector('[tabindex="0"]')?.focus();
    $('strip-empty').hidden = entries.length > 0 && keeps;
    if (!keeps) $('strip-empty').textContent = 'This browser keeps nothing for this page, so pictures go when it closes: download those you like.';
    $('clear').hidden = entries.length === 0;
  }

  #item(entry, isCurrent, isStop) {
    if (!this.#addresses.has(entry.id)) this.#addresses.set(entry.id, URL.createObjectURL(entry.blob));
    const { prompt, seed, steps, sampler } = entry.settings;
    const image = make('img', { src: this.#addresses.get(entry.id), alt: '', width: 92, height: 92, decoding: 'async' });
    const button = make('button', { type: 'button', title: `${prompt || 'no prompt'} · seed ${seed}`, tabIndex: isStop ? 0 : -1 }, image);
    button.setAttribute('aria-label', `Show again: ${prompt || 'no prompt'}, seed ${seed}, ${steps} steps, ${sampler}`);
    if (isCurrent) button.setAttribute('aria-current', 'true');
    button.addEventListener('click', () => this.choose(entry));
    return make('li', {}, button);
  }

  #walk(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const buttons = [...$('strip').querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement);
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? buttons.length - 1 : at + (step ?? NaN);
    if (at < 0 || !buttons[to]) return;
    event.preventDefault();
    buttons[at].tabIndex = -1;
    buttons[to].tabIndex = 0;
    buttons[to].focus();
  }
}
