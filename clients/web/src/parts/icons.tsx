// The app's own icons: strokes on a grid of 24, drawn in the colour of the text.

const PATHS = {
  slides: 'M3 4h18v12H3zM12 16v4M8 20h8M10 7.5v5l4-2.5z',
  screen: 'M3 4h18v12H3zM12 16v4M8 20h8',
  media: 'M9 18a2.5 2.5 0 1 1-2.5-2.5H9V5l11-2v12.5A2.5 2.5 0 1 1 17.500 13H20',
  pointer: 'M5 3l14 8-6 1.500L10 19z',
  keyboard: 'M2 6h20v12H2zM6 10h.01M10 10h.01M14 10h.01M18 10h.01M8 14h8',
  switches: 'M8 7h8a4 4 0 0 1 0 8H8a4 4 0 0 1 0-8zM8 9a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  host: 'M4 4h16v7H4zM4 13h16v7H4zM7.500 7.500h.01M7.500 16.500h.01',
  power: 'M12 3v9M7 6a8 8 0 1 0 10 0',
  sleep: 'M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500z',
  hibernate: 'M12 3v18M4.200 7.500l15.600 9M19.800 7.500l-15.600 9M9.500 4l2.500 2 2.500-2M9.500 20l2.500-2 2.500 2',
  command: 'M4 5h16v14H4zM7.500 9l3 3-3 3M12.500 15h4',
  notify: 'M6 16V11a6 6 0 0 1 12 0v5l1.500 2h-15zM10 21h4',
  open: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  apps: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z',
  desktops: 'M2 5h13v9H2zM8.500 14v3M5 17h7M18 9h4v10h-6v-2',
  access: 'M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5',
  more: 'M4.500 12h1M5 11.500v1M11.500 12h1M12 11.500v1M18.500 12h1M19 11.500v1',
  next: 'M9 5l7 7-7 7',
  previous: 'M15 5l-7 7 7 7',
  up: 'M5 15l7-7 7 7',
  down: 'M5 9l7 7 7-7',
  start: 'M7 4v16l13-8z',
  end: 'M6 6h12v12H6z',
  blank: 'M3 4h18v12H3zM3 4l18 12M8 20h8',
  lock: 'M5 11h14v10H5zM8 11V7a4 4 0 0 1 8 0v4',
  unlock: 'M5 11h14v10H5zM8 11V7a4 4 0 0 1 7.500-2',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2.500M12 19.500V22M2 12h2.500M19.500 12H22M5 5l1.700 1.700M17.300 17.300L19 19M19 5l-1.700 1.700M6.700 17.300L5 19',
  play: 'M8 5v14l11-7z',
  pause: 'M8 5v14M16 5v14',
  skip: 'M5 5v14l10-7zM19 5v14',
  back: 'M19 5v14L9 12zM5 5v14',
  rewind: 'M4 5v5h5M4.500 10a8 8 0 1 1-.5 4',
  forward: 'M20 5v5h-5M19.500 10a8 8 0 1 0 .5 4',
  volume: 'M4 9.500v5h4l5 4v-13l-5 4zM17 9a4 4 0 0 1 0 6M19.500 6.500a8 8 0 0 1 0 11',
  muted: 'M4 9.500v5h4l5 4v-13l-5 4zM17 9.500l5 5M22 9.500l-5 5',
  close: 'M6 6l12 12M18 6L6 18',
  full: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.500 2',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  warning: 'M12 4l9 16H3zM12 10v4.500M12 17.500h.01',
  battery: 'M3 8h15v8H3zM21 11v2',
  text: 'M5 6h14M12 6v13M9 19h6',
  refresh: 'M20 5v5h-5M19.500 10a8 8 0 1 0 .5 4',
} as const;

export type IconName = keyof typeof PATHS;

/** Whether there is an icon of that name, which others may give for their own buttons. */
export function isIcon(name: unknown): name is IconName {
  return typeof name === 'string' && Object.hasOwn(PATHS, name);
}

/** Decoration: what it means stands beside it, or in the label of its button. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
