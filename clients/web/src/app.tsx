// What is drawn: the pairing page while this origin has no desktop, or was opened with a new link; else the desktop.
import { Desktop, type Link, type Membership } from '@deskconn/client';
import { useEffect, useState } from 'preact/hooks';
import { forgetRuns } from './desktop/runs.js';
import { dropDesktop, forgetMembership, loadMembership } from './desktop/storage.js';
import { PairPage } from './pairing/pair_page.js';
import { placeOf } from './pure/addresses.js';
import { shortId } from './pure/desktops.js';
import { Shell } from './shell/shell.js';

interface Props {
  link: Link | null;
  isLinkBroken: boolean;
}

const NOTHING: Props = { link: null, isLinkBroken: false };

export function App({ link, isLinkBroken }: Props) {
  const [membership, setMembership] = useState(loadMembership);
  const [isPairing, setPairing] = useState(link !== null || isLinkBroken);
  const [asked, setAsked] = useState<Props>({ link, isLinkBroken });

  const pairAgain = (): void => {
    // What came with the page was for another time.
    setAsked(NOTHING);
    setPairing(true);
  };
  const paired = (next: Membership): void => {
    setAsked(NOTHING);
    setMembership(next);
    setPairing(false);
    location.hash = '#/';
  };
  const forget = (): void => {
    forgetMembership();
    if (membership) dropDesktop(shortId(membership.joined.did));
    setMembership(null);
  };

  if (!membership || isPairing) {
    const present = membership && { name: membership.joined.name || 'a desktop', onBack: () => setPairing(false) };
    return <PairPage {...asked} onPaired={paired} present={present} />;
  }
  return <Connected membership={membership} onForget={forget} onPairAgain={pairAgain} />;
}

function Connected({ membership, ...more }: { membership: Membership; onForget: () => void; onPairAgain: () => void }) {
  const [desktop, setDesktop] = useState<Desktop | null>(null);
  useEffect(() => {
    // The page comes from this desktop, so this is where it is.
    const desktop = new Desktop(membership, { address: placeOf(location) });
    setDesktop(desktop);
    return () => {
      desktop.close();
      forgetRuns();
    };
  }, [membership]);
  return desktop && <Shell desktop={desktop} {...more} />;
}
