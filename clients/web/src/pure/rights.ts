// What this device may do, as info.get says it: which procedures wait for the owner, and grants in words.
import type { Grant } from '@deskconn/client';

/** A grant with everything that may be left out. */
export type WholeGrant = Required<Grant>;

/** The grants in some value; what is none is left out. */
export function readGrants(value: unknown): WholeGrant[] {
  if (!Array.isArray(value)) return [];
  const grants = value.filter((grant) => typeof grant === 'object' && grant !== null && typeof grant.uri === 'string');
  return grants.map((grant) => ({
    uri: grant.uri,
    match: grant.match === 'prefix' || grant.match === 'wildcard' ? grant.match : 'exact',
    allow: Array.isArray(grant.allow) ? grant.allow.map(String) : [],
    until: typeof grant.until === 'string' ? grant.until : null,
    confirm: grant.confirm === true,
    while_unlocked: grant.while_unlocked === true,
    holds: grant.holds !== false,
    by_role: grant.by_role === true,
  }));
}

/** Whether a grant is about a URI. */
export function covers(grant: Pick<Grant, 'uri' | 'match'>, uri: string): boolean {
  if (grant.match === 'exact') return grant.uri === uri;
  if (grant.match === 'prefix') return uri.startsWith(grant.uri);
  const [pattern, parts] = [grant.uri.split('.'), uri.split('.')];
  return pattern.length === parts.length && pattern.every((part, index) => part === '' || part === parts[index]);
}

/** Whether a call of a procedure waits for the owner. */
export function needsConsent(grants: readonly WholeGrant[], uri: string): boolean {
  const calling = grants.filter((grant) => grant.holds && grant.allow.includes('call') && covers(grant, uri));
  // What the role allows anyway no grant makes dearer.
  return calling.some((grant) => grant.confirm) && !calling.some((grant) => grant.by_role || (!grant.confirm && grant.match === 'exact'));
}

const VERBS: Record<string, string> = { call: 'use', subscribe: 'follow', publish: 'publish to', register: 'offer' };

/** A grant as a sentence. */
export function inWords(grant: WholeGrant, timeInWords: (time: string) => string): string {
  const verbs = grant.allow.map((verb) => VERBS[verb] ?? verb).join(', ') || 'use';
  const what = grant.match === 'prefix' ? `everything that begins with ${grant.uri}` : grant.match === 'wildcard' ? `everything like ${grant.uri.replaceAll('..', '.*.')}` : grant.uri;
  const limits = [
    grant.until === null ? '' : `until ${timeInWords(grant.until)}`,
    grant.confirm ? 'somebody at the desktop says yes each time' : '',
    grant.while_unlocked ? 'only while the screen is unlocked' : '',
  ].filter(Boolean);
  const begun = verbs[0]!.toUpperCase() + verbs.slice(1);
  return `${begun} ${what}${limits.length > 0 ? ` — ${limits.join('; ')}` : ''}`;
}
