// The picture that is shown and those that were: canvas, caption, colour, receipt, address and strip always tell of the same one.

import { $, say, turn } from './dom.js';
import { History } from './history.js';
import { toHash } from './link.js';
import { beads, clearBars } from './progress.js';
import { showReceipt } from './receipt.js';
import { Strip } from './strip.js';
import { applyTint } from './tint.js';

export class Gallery {
  /** The entry on the canvas, or null. */
  current = null;
  #history = new History();
  #strip;

  /** `restored(entry)` is called before a past picture is shown; it returns false when that must not be now. */
  constructor({ picture, form, restored }) {
    Object.assign(this, { picture, form });
    this.#strip = new Strip((entry) => { if (restored(entry)) this.#restore(entry); });
  }

  /** Reads what earlier visits left; pictures made meanwhile stay in front. */
  async open() {
    const made = this.#history.entries;
    this.#history = await History.open();
    for (const entry of made.reverse()) await this.#history.add(entry);
    this.#list();
    if (this.#history.entries[0] && !this.current) applyTint(this.#history.entries[0].tint);
  }

  /** Takes a new picture, which is on the canvas already. */
  add(entry) {
    const { keeps } = this.#history;
    // Whether it could be kept is known only when it is written; nothing waits for that.
    this.#history.add(entry).then(() => { if (this.#history.keeps !== keeps) this.#list(); });
    return this.#show(entry);
  }

  /** The picture that was there before, or the noise of the seed. */
  async back() {
    const { current } = this;
    if (!current) return this.picture.none(this.form.read().seed);
    await this.picture.draw(current);
    return this.picture.caption(current);
  }

  remove() { return this.#forget(this.#history.remove(this.current.id), 'Removed.'); }

  clear() { return this.#forget(this.#history.clear(), 'All removed.'); }

  /** Work in small turns: each would be short, together they could hold up a key press. */
  async #show(entry) {
    this.current = entry;
    this.picture.caption(entry);
    applyTint(entry.tint);
    await turn();
    showReceipt(entry.receipt, entry.when);
    await turn();
    if (this.current !== entry) return;
    if (entry.linkable) window.history.replaceState(null, '', toHash(entry.settings));
    this.#list();
  }

  async #restore(entry) {
    await this.picture.draw(entry);
    await this.#show(entry);
    beads(entry.settings.steps, entry.settings.steps);
    clearBars();
    say($('status'), `Shown again: ${entry.settings.prompt || 'a picture without a prompt'}.`);
  }

  #list() {
    this.#strip.show(this.#history.entries, this.current?.id, this.#history.keeps);
  }

  async #forget(removed, text) {
    await removed;
    this.current = null;
    const { seed, steps } = this.form.read();
    this.picture.none(seed);
    beads(0, steps || 20);
    this.#list();
    say($('status'), text);
    $('prompt').focus();
  }
}
