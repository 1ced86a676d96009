// What the page's buttons and keys do, apart from making pictures.

import { $, copy, say } from './dom.js';
import { toLink } from './link.js';
import { receiptText } from './receipt.js';
import { showHelp } from './where.js';

/** `page` has `current()`, `generate`, `cancel`, `follow`, `useBackend`, `remove`, `clear`, `picture`. */
export function wire(page) {
  const status = (text) => say($('status'), text);
  const on = (id, action) => $(id).addEventListener('click', action);
  $('form').addEventListener('submit', (event) => { event.preventDefault(); page.generate(); });
  on('cancel', page.cancel);
  addEventListener('keydown', (event) => { if (event.key === 'Escape') page.cancel(); });
  addEventListener('hashchange', page.follow);
  $('use-backend').addEventListener('change', ({ target }) => page.useBackend(target.value));
  on('backend', (event) => { event.preventDefault(); showHelp(); });
  on('download', () => page.picture.download(page.current()));
  on('share', () => page.picture.share(page.current(), toLink(page.current().settings)));
  on('copy-link', async () => {
    const link = toLink(page.current().settings);
    status(await copy(link) ? 'The link is on the clipboard.' : 'The browser did not let us copy; the address of this page is the link.');
  });
  on('copy-receipt', async () => {
    const text = receiptText(page.current().receipt);
    status(await copy(text) ? 'The receipt is on the clipboard.' : 'The browser did not let us copy; take a screenshot.');
  });
  on('remove', page.remove);
  on('clear', () => { if (confirm('Remove all pictures from this device?')) page.clear(); });
}

/** What the buttons of an error do; `page` as above, with `retry`, `takeShipped`, `useDefaults`. */
export function ways(page) {
  return {
    retry: page.retry,
    cpu: () => page.useBackend('cpu', true),
    shipped: page.takeShipped,
    source: () => { $('model-source').focus(); $('model-source').select(); },
    defaults: page.useDefaults,
    reload: () => location.reload(),
    help: showHelp,
    details: async (error) => {
      const text = `${error.name}: ${error.message}\n${error.cause?.stack ?? error.cause ?? error.stack ?? ''}\n${navigator.userAgent}`;
      say($('status'), await copy(text) ? 'The details are on the clipboard.' : 'The browser did not let us copy.');
    },
  };
}
