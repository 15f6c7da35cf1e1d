// A picture in the result of somebody's procedure, like that of a camera.

/** The largest that is shown: a photograph of a phone's camera. */
export const MAX_PICTURE_BYTES = 8 * 1024 * 1024;

export interface Picture {
  type: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  bytes: Uint8Array<ArrayBuffer>;
}

/** The picture in a value: bytes, or bytes as JSON carries them in WAMP (`\0` and base64). Told by its first bytes, whatever its name. */
export function pictureOf(value: unknown): Picture | null {
  const bytes = bytesOf(value);
  if (!bytes || bytes.length > MAX_PICTURE_BYTES) return null;
  const begins = (...first: number[]): boolean => first.every((byte, index) => bytes[index] === byte);
  const says = (at: number, text: string): boolean => [...text].every((character, index) => bytes[at + index] === character.charCodeAt(0));
  if (begins(0x89, 0x50, 0x4e, 0x47)) return { type: 'image/png', bytes };
  if (begins(0xff, 0xd8, 0xff)) return { type: 'image/jpeg', bytes };
  if (says(0, 'GIF8')) return { type: 'image/gif', bytes };
  if (says(0, 'RIFF') && says(8, 'WEBP')) return { type: 'image/webp', bytes };
  return null;
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> | null {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (typeof value !== 'string' || !value.startsWith('\0') || value.length > (MAX_PICTURE_BYTES / 3) * 4 + 8) return null;
  try {
    return Uint8Array.from(atob(value.slice(1)), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
