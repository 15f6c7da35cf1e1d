// What wampy cannot say of a publication. It passes on options of one's own, whose names begin with a low line, and of the
// standard ones not `retain`: that goes through it under another name.
import { isDict } from './failure.js';

export const PUBLISH = 16;
const RETAIN = '_retain';

/** The option, as wampy passes it on. */
export function retaining(): Record<string, unknown> {
  return { [RETAIN]: true };
}

/** A PUBLISH of wampy's as it is to be sent. */
export function published(text: string): string {
  if (!text.includes(`"${RETAIN}"`)) return text;
  const [kind, request, options, ...rest] = JSON.parse(text) as unknown[];
  // It may stand among the arguments alone.
  if (!isDict(options) || !(RETAIN in options)) return text;
  const { [RETAIN]: retain, ...others } = options;
  return JSON.stringify([kind, request, { ...others, retain }, ...rest]);
}
