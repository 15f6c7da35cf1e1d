// The frame around every screen: whose desktop it is and how it stands, the navigation, messages.
import type { Desktop } from '@deskconn/client';
import { useEffect } from 'preact/hooks';
import { type Connection, ConnectionContext, useConnection } from '../desktop/context.js';
import { isLasting, noteDesktops } from '../desktop/storage.js';
import { placeOf } from '../pure/addresses.js';
import { readDesktop, shortId } from '../pure/desktops.js';
import { Icon } from '../parts/icons.js';
import { type Screen, barOf, firstOf, screensOf } from '../screens.js';
import { MoreView } from '../views/more.js';
import { VIEWS } from '../views/index.js';
import { Fence } from './fence.js';
import { Missing } from './missing.js';
import { Strip } from './strip.js';
import { Toasts } from './toasts.js';
import { useRoute } from './route.js';

interface Props {
  desktop: Desktop;
  onForget: () => void;
  onPairAgain: () => void;
}

export function Shell({ desktop, onForget, onPairAgain }: Props) {
  const connection = useConnection(desktop);
  const { info } = connection;
  const screens = info ? screensOf(info) : [];
  const route = useRoute();
  const here = screens.find((screen) => screen.route === route) ?? (route === 'more' ? null : firstOf(screens));
  const title = route === 'more' && !here ? 'More' : here?.title;
  useEffect(() => {
    document.title = [title, desktop.membership.joined.name].filter(Boolean).join(' – ');
  }, [title, desktop]);
  useEffect(() => {
    // The list of desktops that others are shown has this one in it.
    const now = Date.now();
    const here = info && readDesktop({ ...placeOf(location), id: shortId(info.id), name: info.name, paired: true, seenAt: now }, now);
    if (here) noteDesktops([here]);
  }, [info?.id, info?.name]);
  return (
    <ConnectionContext.Provider value={connection}>
      <div class="shell">
        <div class="head">
          <Strip onPairAgain={onPairAgain} />
          <Toasts />
        </div>
        <Bar screens={screens} here={here} />
        <main class="view" data-testid={`view-${here?.route ?? 'more'}`}>
          <h1 class={here?.route === 'slides' ? 'hidden' : ''}>{title ?? desktop.membership.joined.name}</h1>
          {!isLasting() && <p class="card bad">This browser lets pages keep nothing: this phone is paired for this tab only.</p>}
          {info ? <Body screen={here} screens={screens} onForget={onForget} /> : <Opening connection={connection} />}
        </main>
      </div>
    </ConnectionContext.Provider>
  );
}

function Body({ screen, screens, onForget }: { screen: Screen | null; screens: Screen[]; onForget: () => void }) {
  if (!screen) return <MoreView screens={screens} />;
  const View = VIEWS[screen.route]!;
  return (
    <Fence key={screen.route}>
      <Missing functions={screen.functions} />
      <View onForget={onForget} />
    </Fence>
  );
}

/** Before the desktop has said what there is. */
function Opening({ connection }: { connection: Connection }) {
  const { status } = connection;
  return (
    <section class="card centred">
      {status.at === 'connecting' && <span class="spinner" aria-hidden="true" />}
      <p class="muted">{status.at === 'connecting' ? 'Connecting to the desktop…' : 'What this phone may do here is shown when the desktop answers.'}</p>
    </section>
  );
}

/** Five places at the foot of a phone; at the side of a larger screen there is room for all. */
function Bar({ screens, here }: { screens: Screen[]; here: Screen | null }) {
  const bar = barOf(screens);
  if (screens.length === 0) return null;
  const isElsewhere = !here || !bar.includes(here);
  return (
    <nav class="bar" aria-label="Screens">
      {screens.map((screen) => ({ ...screen, isInBar: bar.includes(screen) })).map(({ route, title, icon, isInBar }) => (
        <a key={route} class={isInBar ? '' : 'rest'} href={`#/${route}`} aria-current={here?.route === route ? 'page' : undefined} data-testid={`nav-${route}`}>
          <Icon name={icon} />
          <span>{title}</span>
        </a>
      ))}
      <a class="more" href="#/more" aria-current={isElsewhere ? 'page' : undefined} data-testid="nav-more">
        <Icon name="more" />
        <span>More</span>
      </a>
    </nav>
  );
}
