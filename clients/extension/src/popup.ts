// The popup: the brightness, the lock, the sites, and how it stands with the desktop.
import { type Forget, type FromPopup, POPUP, type Snapshot, type ToPopup } from './said.js';
import { addSite, keepSites } from './site_list.js';
import { siteOf } from './sites.js';
import { part, standing, text, translate } from './words.js';

const slider = part<HTMLInputElement>('brightness');
const percent = part<HTMLOutputElement>('percent');
let port: chrome.runtime.Port;
let isHeld = false;
let shown: Snapshot | null = null;

/** Connects to the worker, which the browser may end while the popup is open. */
function connect(): void {
  port = chrome.runtime.connect({ name: POPUP });
  port.onMessage.addListener((said: ToPopup) => ('snapshot' in said ? draw(said.snapshot) : fail(said.failure)));
  port.onDisconnect.addListener(() => {
    // Nothing that is wished for now would be heard, so nothing can be wished for.
    if (shown) draw({ ...shown, status: null, brightness: null });
    connect();
  });
}

function ask(wish: FromPopup): void {
  fail('');
  port.postMessage(wish);
}

function fail(sentence: string): void {
  part('failure').textContent = sentence;
}

function draw(snapshot: Snapshot): void {
  shown = snapshot;
  const { desktop, status, brightness, can } = snapshot;
  const isOpen = status?.at === 'open';
  part('status').textContent = standing(desktop, status);
  part('status').dataset['at'] = desktop === null ? 'unpaired' : (status?.at ?? 'connecting');
  part('pair').hidden = desktop !== null;
  part('retry').hidden = desktop === null || isOpen || status?.at === 'connecting';
  part('desk').hidden = desktop === null;
  part('forget').hidden = desktop === null;
  part('no-brightness').hidden = !isOpen || can.brightness;
  slider.disabled = !isOpen || brightness === null;
  part<HTMLButtonElement>('lock').disabled = !isOpen || !can.lock;
  if (brightness !== null && !isHeld) {
    slider.value = String(brightness);
    percent.value = text('percent', String(brightness));
  } else if (brightness === null) {
    percent.value = '';
  }
}

// While a finger is on it, the slider shows the finger; one wish is under way at a time, and the last one counts.
slider.addEventListener('input', () => {
  isHeld = true;
  percent.value = text('percent', slider.value);
  later(() => ask({ act: 'brightness', percent: Number(slider.value) }));
});
slider.addEventListener('change', () => { isHeld = false; });

/** Milliseconds between two wishes of the slider: as often as a display can follow. */
const PACE_MS = 80;
let pace: ReturnType<typeof setTimeout> | undefined;

function later(act: () => void): void {
  pace ??= setTimeout(() => {
    pace = undefined;
    act();
  }, PACE_MS);
}

part('lock').addEventListener('click', () => ask({ act: 'lock' }));
part('retry').addEventListener('click', () => ask({ act: 'retry' }));
part('forget').addEventListener('click', () => void chrome.runtime.sendMessage({ kind: 'forget' } satisfies Forget));
for (const id of ['pair', 'options']) part(id).addEventListener('click', () => void chrome.runtime.openOptionsPage().then(() => close()));

async function offerThisSite(): Promise<void> {
  const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
  const site = siteOf(tab?.url);
  const add = part<HTMLButtonElement>('add');
  add.hidden = site === null;
  if (site === null) return;
  add.textContent = text('add_site', site);
  add.addEventListener('click', () => void addSite(site).catch((error: unknown) => fail(String(error))));
}

translate();
connect();
keepSites();
void offerThisSite();
