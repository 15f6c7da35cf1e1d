// What this phone may do at this desktop, who it is there, and how to end that.
import { Identity } from '@deskconn/client';
import { useMemo, useState } from 'preact/hooks';
import { useDesktop } from '../desktop/context.js';
import { Button, Card } from '../parts/controls.js';
import { Question } from '../parts/dialog.js';
import { inWords, readGrants } from '../pure/rights.js';
import { FUNCTIONS } from '../shell/missing.js';
import type { ViewProps } from './index.js';

/** Facts that are compared letter by letter. */
const ID = new Set(['Device', 'Fingerprint', 'Desktop']);

export function AccessView({ onForget }: ViewProps) {
  const { desktop, info } = useDesktop();
  const [isAsking, setAsking] = useState(false);
  const { joined, keys, pairedAt } = desktop.membership;
  const fingerprint = useMemo(() => new Identity(fromHex(keys.sign), fromHex(keys.noise)).fingerprint, [keys]);
  const grants = readGrants(info?.grants);
  const day = (time: string | number): string => new Date(time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
  const facts: [string, string][] = [
    ['Role', info?.role || joined.role],
    ['Device', joined.device_id],
    ['Fingerprint', fingerprint],
    ['Paired', day(pairedAt)],
    ...(joined.expires === undefined ? [] : [['Lasts until', day(joined.expires * 1000)] as [string, string]]),
    ['Desktop', joined.did.slice(0, 16)],
    ['Its version', info?.version ?? ''],
  ];
  return (
    <>
      <Card title="Who this phone is" testId="access">
        <dl class="facts">{facts.map(([what, it]) => [<dt key={what}>{what}</dt>, <dd key={`${what}-is`} class={ID.has(what) ? 'id' : ''}>{it}</dd>])}</dl>
      </Card>
      <Card title="Granted beside the role" testId="grants">
        {grants.length === 0 && <p class="muted">Nothing.</p>}
        <ul class="list">
          {grants.map((grant) => <li key={`${grant.uri} ${grant.match}`}>{inWords(grant, day)}{grant.by_role ? ' (its role allows that anyway)' : grant.holds ? '' : ' (not now)'}</li>)}
        </ul>
      </Card>
      <Card title="What it may call now" testId="procedures">
        {byFunction(info?.procedures ?? []).map(([title, verbs]) => (
          <p key={title}><b>{title}</b> <span class="muted">{verbs.join(', ')}</span></p>
        ))}
        {info?.procedures.length === 0 && <p class="muted">Nothing of the desktop’s own functions.</p>}
      </Card>
      <Button isLocal tone="danger" label="Forget this desktop" testId="forget" onTap={() => setAsking(true)} />
      {isAsking && (
        <Question
          title="Forget this desktop?"
          text={`The keys are taken off this phone. The desktop still lists it until somebody runs “deskconnctl devices revoke ${joined.device_id}” there.`}
          doIt="Forget it"
          onDo={onForget}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

/** The desktop's functions with what may be called of each; names for older clients are left out. */
function byFunction(procedures: readonly string[]): [string, string[]][] {
  return Object.entries(FUNCTIONS).flatMap(([name, title]) => {
    const prefix = `org.deskconn.${name}.`;
    const verbs = procedures.filter((uri) => uri.startsWith(prefix)).map((uri) => uri.slice(prefix.length).replaceAll('_', ' '));
    return verbs.length > 0 ? [[title, verbs] as [string, string[]]] : [];
  });
}

function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
