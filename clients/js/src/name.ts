// Names from strangers, made safe to show. Whether a desktop is the one it calls itself is decided by its key.

/** The longest name in characters: longer ones push what matters out of sight. */
export const MAX_NAME_CHARS = 64;

// Controls, marks and controls of the writing direction (Unicode Standard Annex 9, section 2), separators, invisible ones.
const UNSAFE = /[\p{Cc}\u061C\u200B\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]/gu;

/** The name without what moves the cursor or turns the direction, cut and trimmed; empty when nothing is left. */
export function cleanName(raw: string): string {
  return [...raw.replace(UNSAFE, '').replace(/\p{Cs}/gu, '')].slice(0, MAX_NAME_CHARS).join('').trim();
}
