// The secrets that a person carries from the desktop: eight digits, or the link of the QR code
// `http://HOST:PORT/#p=1.<base64url(secret[16] ‖ did[0..16] ‖ expiry[4])>`. It opens no connection.

/** What a link says. */
export interface Link {
  /** Name, IPv4 address, or IPv6 address without brackets. */
  host: string;
  port: number;
  /** 16 bytes. */
  secret: Uint8Array;
  /** The first 16 bytes of the desktop's id. */
  did: Uint8Array;
  /** Unix time in seconds from which the link is of no use. */
  expires: number;
}

const MAX_LINK_LENGTH = 400;
const FORM = /^http:\/\/(?:\[([0-9A-Za-z._:-]*:[0-9A-Za-z._:-]*)\]|([0-9A-Za-z._-]+)):([0-9]{1,5})\/#p=1\.([0-9A-Za-z_-]{48})$/;

/** Reads a link; `null` when the text is something else. */
export function parseLink(text: string): Link | null {
  const trimmed = text.trim();
  const match = trimmed.length <= MAX_LINK_LENGTH ? FORM.exec(trimmed) : null;
  if (!match) return null;
  const [, v6, host, port, payload] = match;
  const number = Number(port);
  if (number < 1 || number > 65535) return null;
  const base64 = payload!.replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return {
    host: v6 ?? host!,
    port: number,
    secret: bytes.slice(0, 16),
    did: bytes.slice(16, 32),
    expires: new DataView(bytes.buffer).getUint32(32),
  };
}

/** The eight digits of a code as it was typed (`12345678`, `1234-5678`, `1234 5678`); `null` when it is none. */
export function parseCode(text: string): string | null {
  const match = /^([1-9][0-9]{3})[- ]?([0-9]{4})$/.exec(text.trim());
  return match ? match[1]! + match[2]! : null;
}
