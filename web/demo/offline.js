// The service worker's side of the page: it makes the page work without a network from the second visit on.

import { $, make } from './dom.js';

const VERSION = '__ONELAUNCH_VERSION__';
let asked = false;

/** `isBusy()` says whether a picture is being made: then nothing reloads under the person's hands. */
export async function startOffline({ isBusy }) {
  // A page served straight from its sources has no build, and nothing to keep.
  if (!('serviceWorker' in navigator) || VERSION.startsWith('__')) return;
  const hadWorker = Boolean(navigator.serviceWorker.controller);
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (!hadWorker) return;
    // Another version took over: new workers would come out of its cache, so this page must become that version too.
    if (asked || !isBusy()) location.reload();
    else tell('This page was updated in another tab.', 'Reload', () => location.reload());
  });
  try {
    const registration = await navigator.serviceWorker.register('./sw.js', { scope: './', updateViaCache: 'none' });
    const ready = () => {
      if (!registration.waiting || !navigator.serviceWorker.controller) return;
      tell('A new version of this page is here.', 'Take it', () => { asked = true; registration.waiting.postMessage('take over'); });
    };
    ready();
    registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', ready));
  } catch {
    // Service workers can be switched off (private windows, policies): the page then needs the network, nothing else changes.
  }
}

/** Weights that the package could not keep are kept by the service worker. */
export function keepModel() {
  navigator.serviceWorker?.ready.then((registration) => registration.active?.postMessage('keep the model'));
}

/** A line above the page with one button. */
export function tell(text, label, action) {
  const button = make('button', { type: 'button', className: 'quiet' }, label);
  button.addEventListener('click', () => { $('news').hidden = true; action(); });
  const close = make('button', { type: 'button', className: 'quiet' }, 'Not now');
  close.addEventListener('click', () => { $('news').hidden = true; });
  $('news').replaceChildren(make('span', {}, text), button, close);
  $('news').hidden = false;
}
