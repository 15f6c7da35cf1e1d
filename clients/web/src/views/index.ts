// The view of each screen, by its route in `screens.ts`.
import type { ComponentType } from 'preact';
import { AccessView } from './access.js';
import { AppsView } from './apps.js';
import { CommandsView } from './commands.js';
import { DesktopsView } from './desktops.js';
import { HostView } from './host.js';
import { MediaView } from './media.js';
import { NotifyView } from './notify.js';
import { OpenView } from './open.js';
import { PointerView } from './pointer.js';
import { PowerView } from './power.js';
import { ScreenView } from './screen.js';
import { SettingsView } from './settings.js';
import { SlidesView } from './slides.js';
import { SwitchesView } from './switches.js';

export interface ViewProps {
  /** Takes the keys of this desktop from this phone. */
  onForget: () => void;
}

export const VIEWS: Record<string, ComponentType<ViewProps>> = {
  slides: SlidesView,
  screen: ScreenView,
  media: MediaView,
  pointer: PointerView,
  switches: SwitchesView,
  apps: AppsView,
  host: HostView,
  power: PowerView,
  commands: CommandsView,
  notify: NotifyView,
  open: OpenView,
  desktops: DesktopsView,
  access: AccessView,
  settings: SettingsView,
};
