// Keys of the desktop's keyboard, by the names of docs/API.md.

/** The longest text of one call (docs/API.md). */
export const MAX_TYPED_CHARS = 1000;

export const MODIFIERS = ['ctrl', 'shift', 'alt', 'super'] as const;
export type Modifier = (typeof MODIFIERS)[number];

/** A key with the modifiers that are held, always in the same order: `ctrl+shift+t`. */
export function chord(held: ReadonlySet<Modifier>, key: string): string {
  return [...MODIFIERS.filter((modifier) => held.has(modifier)), key].join('+');
}

/** A text in pieces that one call takes, never through the middle of a character. */
export function pieces(text: string, most = MAX_TYPED_CHARS): string[] {
  const characters = [...text];
  const count = Math.ceil(characters.length / most);
  return Array.from({ length: count }, (_, index) => characters.slice(index * most, (index + 1) * most).join(''));
}
