// Every screen, in the order of the navigation. Which of them a device sees follows from what it may call.
import type { Info } from '@deskconn/client';
import type { IconName } from './parts/icons.js';

export interface Screen {
  /** Behind `#/`. */
  route: string;
  title: string;
  icon: IconName;
  /** The functions it stands on, by their names in `info.missing` and behind `org.deskconn.`; none for what every device has. */
  functions: string[];
  /** A procedure that it cannot do without, instead of any of its functions. */
  needs?: string;
}

export const SCREENS: readonly Screen[] = [
  { route: 'slides', title: 'Slides', icon: 'slides', functions: ['slides'] },
  { route: 'screen', title: 'Screen', icon: 'screen', functions: ['screen', 'brightness'] },
  { route: 'media', title: 'Media', icon: 'media', functions: ['media', 'volume'] },
  { route: 'pointer', title: 'Pointer', icon: 'pointer', functions: ['pointer', 'keyboard'] },
  { route: 'switches', title: 'Switches', icon: 'switches', functions: ['gpio'] },
  { route: 'apps', title: 'Extras', icon: 'apps', functions: [] },
  { route: 'host', title: 'Computer', icon: 'host', functions: ['host', 'battery'] },
  { route: 'power', title: 'Power', icon: 'power', functions: ['power'] },
  { route: 'commands', title: 'Commands', icon: 'command', functions: ['command'], needs: 'org.deskconn.command.run' },
  { route: 'notify', title: 'Message', icon: 'notify', functions: ['notify'] },
  { route: 'open', title: 'Open a page', icon: 'open', functions: ['url'] },
  { route: 'desktops', title: 'Desktops', icon: 'desktops', functions: [] },
  { route: 'access', title: 'Access', icon: 'access', functions: [] },
  { route: 'settings', title: 'Settings', icon: 'settings', functions: [] },
];

/** Places in the bar at the foot, the last of which is for everything else. */
export const BAR_PLACES = 5;

/** Whether the device may use a function at all. */
export function hasFunction(info: Info, name: string): boolean {
  return info.procedures.some((uri) => uri.startsWith(`org.deskconn.${name}.`));
}

/** The screens that this device has at this desktop. */
export function screensOf(info: Info): Screen[] {
  return SCREENS.filter(({ route, functions, needs }) => {
    if (route === 'apps') return info.described.length > 0;
    if (needs) return info.procedures.includes(needs);
    return functions.length === 0 || functions.some((name) => hasFunction(info, name));
  });
}

/** Where a device begins: its first function, or what says that it has none. */
export function firstOf(screens: readonly Screen[]): Screen | null {
  return barOf(screens)[0] ?? screens.find((screen) => screen.route === 'access') ?? null;
}

/** Those of the bar; the rest is behind “More”. */
export function barOf(screens: readonly Screen[]): Screen[] {
  return screens.filter((screen) => screen.functions.length > 0 || screen.route === 'apps').slice(0, BAR_PLACES - 1);
}
