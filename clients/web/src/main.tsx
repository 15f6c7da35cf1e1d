// Where the page begins: reads what stands behind the #, takes secrets out of the address bar, and draws.
import { parseLink } from '@deskconn/client';
import { render } from 'preact';
import { App } from './app.js';
import { noteDesktops } from './desktop/storage.js';
import { betterOrigin } from './pairing/reach.js';
import { placeOf } from './pure/addresses.js';
import { isCarrying, linkText, readFragment } from './pure/fragment.js';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/views.css';

async function begin(): Promise<void> {
  const { hash } = location;
  const fragment = readFragment(hash, Date.now());
  // The history and the address bar are no place for a secret, nor for a list that was meant for this page alone.
  if (isCarrying(hash)) history.replaceState(null, '', location.pathname);
  if (fragment.desktops.length > 0) noteDesktops(fragment.desktops);
  const link = fragment.pair === null ? null : parseLink(linkText(placeOf(location), fragment.pair));
  const better = link && (await betterOrigin(link));
  if (better) {
    location.replace(`${better}/${hash}`);
    return;
  }
  const root = document.getElementById('app')!;
  root.replaceChildren();
  render(<App link={link} isLinkBroken={fragment.pair !== null && !link} />, root);
}

// A QR code that is opened in a tab that is here already changes nothing but the fragment.
addEventListener('hashchange', () => {
  if (isCarrying(location.hash)) location.reload();
});
void begin();
