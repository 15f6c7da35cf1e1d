// The list of sites on a page of the extension: shows it, adds, removes, and asks the browser for what a site needs.
import { changeSettings, changeSites, isOfSites, settings } from './settings.js';
import { ALL_SITES, patternOf } from './sites.js';
import { part, text } from './words.js';

/** The user adds a site: kept first, because the browser's question may close the popup. */
export async function addSite(site: string): Promise<void> {
  // Only what the user's click itself does may ask, so nothing is awaited before it.
  const granted = chrome.permissions.request({ origins: [patternOf(site)] });
  await changeSites((sites) => [...new Set([...sites, site])].sort());
  await granted;
}

export async function removeSite(site: string): Promise<void> {
  await changeSites((sites) => sites.filter((other) => other !== site));
  await chrome.permissions.remove({ origins: [patternOf(site)] }).catch(() => false);
}

export async function everywhere(isEverywhere: boolean): Promise<void> {
  const granted = isEverywhere ? chrome.permissions.request({ origins: [ALL_SITES] }) : Promise.resolve(true);
  await changeSettings({ isEverywhere });
  await granted;
  if (!isEverywhere) await chrome.permissions.remove({ origins: [ALL_SITES] }).catch(() => false);
}

/** Draws the list, and the switch for all sites. */
export async function drawSites(): Promise<void> {
  const { sites, isEverywhere } = await settings();
  const rows = await Promise.all(sites.map(async (site) => row(site, isEverywhere || (await isAllowed(patternOf(site))))));
  part('sites').replaceChildren(...rows);
  part('no-sites').hidden = sites.length > 0 || isEverywhere;
  part<HTMLInputElement>('everywhere').checked = isEverywhere && (await isAllowed(ALL_SITES));
}

function isAllowed(pattern: string): Promise<boolean> {
  return chrome.permissions.contains({ origins: [pattern] });
}

function row(site: string, isAllowedNow: boolean): HTMLElement {
  const item = document.createElement('li');
  const name = document.createElement('span');
  name.textContent = site;
  const buttons = [button(text('remove'), text('remove_site', site), () => removeSite(site))];
  if (!isAllowedNow) buttons.unshift(button(text('allow'), text('allow_site', site), () => addSite(site)));
  item.append(name, ...buttons);
  return item;
}

function button(label: string, spoken: string, act: () => Promise<void>): HTMLButtonElement {
  const button = document.createElement('button');
  button.textContent = label;
  button.setAttribute('aria-label', spoken);
  button.addEventListener('click', () => void act().catch((error: unknown) => console.error('deskconn:', error)));
  return button;
}

/** Draws it now and whenever it changes. */
export function keepSites(): void {
  const draw = (): void => void drawSites();
  chrome.storage.local.onChanged.addListener((changes) => { if (isOfSites(changes)) draw(); });
  chrome.permissions.onAdded.addListener(draw);
  chrome.permissions.onRemoved.addListener(draw);
  part<HTMLInputElement>('everywhere').addEventListener('change', (event) => {
    void everywhere((event.target as HTMLInputElement).checked).finally(draw);
  });
  draw();
}
