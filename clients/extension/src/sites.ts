// The user's list of sites: names of hosts, and what of the browser's match patterns belongs to them.

export const ALL_SITES = '*://*/*';
/** What is offered to begin with. */
export const SUGGESTED = ['netflix.com', 'youtube.com'];

/** The site of a page: its host without `www.`; `null` for what is no page of the web. */
export function siteOf(url: string | undefined): string | null {
  const match = /^https?:\/\/[^/]/.test(url ?? '') ? new URL(url!) : null;
  return match ? match.hostname.replace(/^www\.(?=.*\.)/, '') : null;
}

/** What a person typed as a site: a host or an address; `null` when it is neither. */
export function parseSite(text: string): string | null {
  const trimmed = text.trim().toLowerCase();
  const address = /^https?:\/\//.test(trimmed) ? trimmed : `https://${trimmed}`;
  if (!trimmed || /\s/.test(trimmed) || !URL.canParse(address)) return null;
  const { hostname } = new URL(address);
  return hostname.includes('*') ? null : siteOf(address);
}

/** The match pattern of a site, with what is below it. Addresses have nothing below them. */
export function patternOf(site: string): string {
  const isAddress = site.startsWith('[') || /^[0-9.]+$/.test(site) || !site.includes('.');
  return isAddress ? `*://${site}/*` : `*://*.${site}/*`;
}

/** The patterns of all that the user wants, each once. */
export function patternsOf(sites: string[], isEverywhere: boolean): string[] {
  return isEverywhere ? [ALL_SITES] : [...new Set(sites.map(patternOf))];
}
