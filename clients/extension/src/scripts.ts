// Keeps the script of `content.ts` in the pages of the user's list: in those of them that the user let the browser allow.
import { settings } from './settings.js';
import { patternsOf } from './sites.js';

const ID = 'full-screen';
const FILE = 'content.js';

/** The patterns that are wanted and allowed. */
async function allowed(): Promise<string[]> {
  const { sites, isEverywhere } = await settings();
  const patterns = patternsOf(sites, isEverywhere);
  const answers = await Promise.all(patterns.map((pattern) => chrome.permissions.contains({ origins: [pattern] })));
  return patterns.filter((_, index) => answers[index]);
}

/** Brings what is registered into line with the list. */
async function align(): Promise<void> {
  const matches = await allowed();
  const [registered] = await chrome.scripting.getRegisteredContentScripts({ ids: [ID] });
  const before = registered?.matches ?? [];
  if (JSON.stringify(before) === JSON.stringify(matches)) return;
  const script = { id: ID, matches, js: [FILE], allFrames: true, runAt: 'document_start' as const };
  if (matches.length === 0) await chrome.scripting.unregisterContentScripts({ ids: [ID] });
  else if (registered) await chrome.scripting.updateContentScripts([script]);
  else await chrome.scripting.registerContentScripts([script]);
  const added = matches.filter((pattern) => !before.includes(pattern));
  if (added.length > 0) await inject(added);
}

/** Puts it into the pages that are open already. */
async function inject(patterns: string[]): Promise<void> {
  for (const { id } of await chrome.tabs.query({ url: patterns })) {
    if (id === undefined) continue;
    // A page of the browser's own, or one that crashed, takes none; it will when it is loaded again.
    await chrome.scripting.executeScript({ target: { tabId: id, allFrames: true }, files: [FILE] }).catch(() => {});
  }
}

let last: Promise<void> = Promise.resolve();

/** As {@link align}, one after the other. */
export function alignScripts(): Promise<void> {
  last = last.then(align).catch((error: unknown) => console.error('deskconn: the sites could not be registered', error));
  return last;
}
