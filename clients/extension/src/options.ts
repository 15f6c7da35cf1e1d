// The page of settings: pairing, which it does itself because it stays open, what rises how far, and the sites.
import { type PairingError, pairWith, parseCode } from '@deskconn/client';
import type { Forget } from './said.js';
import { LEAST_PERCENT, changeSettings, forgetPairing, isOfSites, keepPairing, pairing, settings } from './settings.js';
import { addSite, keepSites } from './site_list.js';
import { SUGGESTED, parseSite } from './sites.js';
import { part, text, translate } from './words.js';

const form = part<HTMLFormElement>('pairing');
const said = part('said');

/** `host`, `host:port`, `[v6]:port`; the port of a desktop when there is none. */
function parseAddress(typed: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9A-Za-z._-]+))(?::(\d{1,5}))?$/.exec(typed.trim());
  const port = Number(match?.[3] ?? 5020);
  return match && port > 0 && port < 65536 ? { host: match[1] ?? match[2]!, port } : null;
}

function say(sentence: string): void {
  said.textContent = sentence;
}

async function pair(): Promise<void> {
  const address = parseAddress(part<HTMLInputElement>('address').value);
  const code = parseCode(part<HTMLInputElement>('code').value);
  if (!address) return say(text('bad_address'));
  if (!code) return say(text('bad_code'));
  const button = part<HTMLButtonElement>('do-pair');
  button.disabled = true;
  say(text('pairing'));
  try {
    const membership = await pairWith(address, {
      secret: { code },
      name: text('device_name', browserName()),
      kind: 'ext',
      onWaiting: (desktop, fingerprint) => say(text('compare', desktop, fingerprint)),
      keep: (membership) => keepPairing({ membership, address, isConfirmed: false }),
      forget: forgetPairing,
    });
    await keepPairing({ membership, address, isConfirmed: true });
    say('');
    form.reset();
  } catch (error) {
    const { code } = error as Partial<PairingError>;
    // A browser does not say why a connection failed: nobody is there, or no window for pairing is open.
    say(code === 'unreachable' || code === 'closed' ? text('no_window', part<HTMLInputElement>('address').value) : (error as Error).message);
  } finally {
    button.disabled = false;
  }
}

function browserName(): string {
  return navigator.userAgent.includes('Firefox/') ? 'Firefox' : 'Chromium';
}

async function drawPairing(): Promise<void> {
  const kept = await pairing();
  form.hidden = kept !== null;
  part('paired').hidden = kept === null;
  if (!kept) return;
  const { joined } = kept.membership;
  part('desktop').textContent = text('paired_with', joined.name, joined.role);
}

async function drawWish(): Promise<void> {
  const { percent, which } = await settings();
  part<HTMLInputElement>('percent').value = String(percent);
  part<HTMLOutputElement>('shown-percent').value = text('percent', String(percent));
  part<HTMLSelectElement>('which').value = which;
}

async function suggest(): Promise<void> {
  const { sites } = await settings();
  const buttons = SUGGESTED.filter((site) => !sites.includes(site)).map((site) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text('add_site', site);
    button.addEventListener('click', () => void addSite(site));
    return button;
  });
  part('suggested').replaceChildren(...buttons);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void pair();
});
part('forget').addEventListener('click', () => void chrome.runtime.sendMessage({ kind: 'forget' } satisfies Forget));
part<HTMLInputElement>('percent').addEventListener('input', (event) => {
  const percent = Math.min(100, Math.max(LEAST_PERCENT, Number((event.target as HTMLInputElement).value)));
  part<HTMLOutputElement>('shown-percent').value = text('percent', String(percent));
  void changeSettings({ percent });
});
part('which').addEventListener('change', (event) => {
  void changeSettings({ which: (event.target as HTMLSelectElement).value === 'all' ? 'all' : 'first' });
});
part<HTMLFormElement>('adding').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = part<HTMLInputElement>('site');
  const site = parseSite(field.value);
  part('site-said').textContent = site === null ? text('bad_site') : '';
  if (site === null) return;
  field.value = '';
  void addSite(site);
});
chrome.storage.local.onChanged.addListener((changes) => {
  if (changes['pairing']) void drawPairing();
  if (isOfSites(changes)) void suggest();
});

translate();
void suggest();
keepSites();
void drawPairing();
void drawWish();
