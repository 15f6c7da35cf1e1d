// The address of a page, as people type it.

/** The longest that a desktop opens, in bytes (docs/API.md). */
export const MAX_ADDRESS_BYTES = 8000;

/** The address with its scheme; `null` when it is none of the web. */
export function webAddress(typed: string): string | null {
  const text = typed.trim();
  if (text === '' || /\s/.test(text)) return null;
  const isWithScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  try {
    const url = new URL(isWithScheme ? text : `https://${text}`);
    const isOfWeb = url.protocol === 'http:' || url.protocol === 'https:';
    // A word alone is not meant as the name of a computer, nor an address of mail.
    const isPlace = isWithScheme || (url.username === '' && (url.hostname.includes('.') || url.hostname.includes(':')));
    return isOfWeb && isPlace && new TextEncoder().encode(url.href).length <= MAX_ADDRESS_BYTES ? url.href : null;
  } catch {
    return null;
  }
}
