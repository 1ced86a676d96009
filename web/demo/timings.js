// Where the time from navigation to pixels goes. The parts add up to the total; each is a performance measure too.

export class Timings {
  /** ms since navigation of: usable (the form can be sent), open (asked for the model), weights (all read), loaded, begin, step (last), pixels. */
  at = {};

  mark(name) {
    this.at[name] = performance.now();
    performance.mark(`onelaunch:${name}`);
  }

  #isFirst = true;

  /**
   * `{ page, fetch, compile, steps, decode, waited, total, first }` in ms, `compiled` being what the picture's own compile took in ms.
   * `first` says whether this picture had to wait for the page and the model; later ones begin when they are asked for.
   */
  done(compiled) {
    const first = this.#isFirst;
    this.#isFirst = false;
    const { open = 0, usable = open, weights = open, loaded = weights, begin, pixels } = this.at;
    const page = Math.min(usable, open);
    const step = Math.max(begin, this.at.step ?? pixels);
    const own = Math.min(compiled, step - begin);
    const from = first ? 0 : begin;
    const parts = {
      page: first ? page : 0,
      fetch: first ? weights - open : 0,
      compile: (first ? Math.max(0, loaded - weights) : 0) + own,
      // The person who reads and types before asking is not our time, and it is told apart.
      waited: first ? open - page + Math.max(0, begin - loaded) : 0,
      steps: step - begin - own,
      decode: pixels - step,
      total: pixels - from,
      first,
    };
    measures(from, parts);
    return parts;
  }
}

function measures(from, parts) {
  let start = from;
  for (const name of ['page', 'fetch', 'compile', 'waited', 'steps', 'decode']) {
    if (parts[name] > 0) performance.measure(`onelaunch:${name}`, { start, duration: parts[name] });
    start += parts[name];
  }
  performance.measure('onelaunch:total', { start: from, duration: parts.total });
}
