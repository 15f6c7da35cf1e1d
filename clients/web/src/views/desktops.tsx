// Several desktops: the one of this page, those that were visited from here, and those that it sees on its network.
import { useEffect, useState } from 'preact/hooks';
import { useCall, reasonOf } from '../desktop/calls.js';
import { useDesktop } from '../desktop/context.js';
import { dropDesktop, loadDesktops } from '../desktop/storage.js';
import { Button } from '../parts/controls.js';
import { Icon } from '../parts/icons.js';
import { bestHost, hostOf } from '../pure/addresses.js';
import { type KnownDesktop, readDesktop, shortId } from '../pure/desktops.js';
import { DesktopList } from './desktop_list.js';

const BROWSE = 'org.deskconn.discovery.browse';
/** The desktop listens for three seconds. */
const BROWSE_MS = 15_000;

export function DesktopsView() {
  const { desktop, info, isOpen } = useDesktop();
  const [known, setKnown] = useState(loadDesktops);
  const { found, isLooking, failure, look } = useBrowsing();
  const mayBrowse = info?.procedures.includes(BROWSE) ?? false;
  const here = shortId(desktop.membership.joined.did);
  const others = known.filter(({ id }) => id !== here);
  const fresh = found?.filter(({ id }) => id !== here && !others.some((other) => other.id === id)) ?? [];
  useEffect(() => {
    if (mayBrowse && isOpen) void look();
  }, [mayBrowse, isOpen]);
  return (
    <>
      <section class="row" aria-label="This desktop" data-testid="this-desktop">
        <Icon name="check" />
        <span class="grow">{info?.name || desktop.membership.joined.name}<small class="muted block">{location.host} · this one</small></span>
      </section>
      {others.length > 0 && (
        <section class="stack">
          <h2>Others that you know</h2>
          <DesktopList desktops={others} known={known} onDrop={(id) => setKnown(dropDesktop(id))} />
        </section>
      )}
      {mayBrowse && (
        <section class="stack">
          <h2>On the network</h2>
          {fresh.length > 0 && <DesktopList desktops={fresh} known={known} />}
          <p role="status" class="muted">{failure ?? (isLooking ? 'Looking…' : found && fresh.length === 0 ? 'No others are seen now.' : '')}</p>
          <Button label="Look again" icon="refresh" isOff={isLooking} testId="browse" onTap={look} />
        </section>
      )}
      <p class="muted">Another desktop asks to pair this phone when you are there for the first time. Names prove nothing: compare the address.</p>
    </>
  );
}

function useBrowsing() {
  const call = useCall();
  const [found, setFound] = useState<KnownDesktop[] | null>(null);
  const [isLooking, setLooking] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const look = async (): Promise<void> => {
    setLooking(true);
    setFailure(null);
    try {
      const { args } = await call(BROWSE, [], { timeoutMs: BROWSE_MS });
      setFound(readFound(args[0]));
    } catch (error) {
      setFailure(reasonOf(error));
    }
    setLooking(false);
  };
  return { found, isLooking, failure, look };
}

/** What of `browse` can be gone to, each desktop once. */
function readFound(value: unknown): KnownDesktop[] {
  const found = new Map<string, KnownDesktop>();
  for (const it of Array.isArray(value) ? value : []) {
    const { id, name, host, addresses, port } = (it ?? {}) as Record<string, unknown>;
    const hosts = [host, ...(Array.isArray(addresses) ? addresses : [])].map((text) => hostOf(String(text)).replace(/\.$/, ''));
    const best = bestHost(hosts, location.hostname);
    const desktop = readDesktop({ id: shortId(String(id)), name, host: best, port, paired: false, seenAt: Date.now() }, Date.now());
    if (desktop) found.set(desktop.id, desktop);
  }
  return [...found.values()];
}
