// Text from strangers, made safe to show. Whether a desktop is the one it calls itself is decided by its key.

/** The longest name in characters: longer ones push what matters out of sight. */
export const MAX_NAME_CHARS = 64;

// Controls, halves of characters, marks and controls of the writing direction (Unicode Standard Annex 9, section 2),
// separators, invisible ones.
const UNSAFE = /[\p{Cc}\p{Cs}\u061C\u200B\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu;

/** A text without what moves the cursor or turns the direction, cut and trimmed; empty when nothing is left. */
export function cleanText(raw: string, most = MAX_NAME_CHARS): string {
  return [...raw.replace(UNSAFE, '')].slice(0, most).join('').trim();
}
