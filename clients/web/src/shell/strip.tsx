// The strip at the head: which desktop, and in words whether it is there.
import type { Status } from '@deskconn/client';
import { useEffect, useState } from 'preact/hooks';
import { useDesktop } from '../desktop/context.js';
import { sentence } from '../pure/text.js';

/** A silent desktop is asked for a moment before anybody is bothered with it. */
const QUIET_MS = 400;

export function Strip({ onPairAgain }: { onPairAgain: () => void }) {
  const { desktop, status, info } = useDesktop();
  const name = info?.name || desktop.membership.joined.name || location.hostname;
  return (
    <header class={`strip ${status.at}`} data-testid="strip" data-status={status.at}>
      <a class="strip-name" href="#/desktops" aria-label={`${name}: show all desktops`}>{name}</a>
      <State status={status} onRetry={() => desktop.retry()} onPairAgain={onPairAgain} />
    </header>
  );
}

function State({ status, onRetry, onPairAgain }: { status: Status; onRetry: () => void; onPairAgain: () => void }) {
  const retryAt = status.at === 'waiting' || status.at === 'refused' ? status.retryAt : null;
  const seconds = useSecondsUntil(retryAt);
  const isRetryable = status.at === 'waiting' || (status.at === 'refused' && status.code !== 'unknown_device');
  return (
    <div class="strip-state">
      {/* Only what changed is spoken; the seconds are for the eye. */}
      <span aria-live="polite" data-testid="state">{inWords(status)}</span>
      {seconds !== null && <span aria-hidden="true">trying again in {seconds} s</span>}
      {isRetryable && <button type="button" class="link" data-testid="retry" onClick={onRetry}>Try now</button>}
      {status.at === 'refused' && status.code !== 'denied' && (
        <button type="button" class="link" data-testid="pair-again-button" onClick={onPairAgain}>Pair again</button>
      )}
    </div>
  );
}

function inWords(status: Status): string {
  switch (status.at) {
    case 'open': return 'Connected';
    case 'connecting': return status.attempt === 0 ? 'Checking the connection…' : 'Connecting…';
    case 'waiting': return 'Lost the connection';
    case 'closed': return 'Closed';
    case 'refused': return REFUSALS[status.code] ?? sentence(status.reason);
  }
}

const REFUSALS: Partial<Record<string, string>> = {
  unknown_device: 'This phone was removed from the desktop',
  wrong_desktop: 'Another desktop answers at this address',
};

function useSecondsUntil(time: number | null): number | null {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (time === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), QUIET_MS);
    return () => clearInterval(timer);
  }, [time]);
  return time === null ? null : Math.max(0, Math.ceil((time - now) / 1000));
}
