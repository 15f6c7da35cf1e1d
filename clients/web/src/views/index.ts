// The view of each screen, by its route in `screens.ts`.
import type { ComponentType } from 'preact';
import { SlidesView } from './slides.js';

export interface ViewProps {
  /** Takes the keys of this desktop from this phone. */
  onForget: () => void;
}

export const VIEWS: Record<string, ComponentType<ViewProps>> = {
  slides: SlidesView,
};
