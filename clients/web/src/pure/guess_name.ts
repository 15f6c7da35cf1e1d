// A first idea of what a phone is called, from what its browser says of itself. The person may write another.
import { cleanText } from '@deskconn/client';

/** The part of `navigator` that is asked. */
export interface Agent {
  userAgent: string;
  maxTouchPoints?: number;
}

/** Like `Pixel 9`, `iPhone`, `Firefox on Linux`. */
export function guessName(agent: Agent): string {
  const text = agent.userAgent;
  if (/iPhone/.test(text)) return 'iPhone';
  if (/iPad/.test(text) || (/Macintosh/.test(text) && (agent.maxTouchPoints ?? 0) > 1)) return 'iPad';
  if (/Android/.test(text)) {
    // `(Linux; Android 15; Pixel 9 Build/…)`; newer Chromium says `K` for every model.
    const model = /Android [\d.]+; ([^;)]+?)(?: Build\/[^;)]*)?[;)]/.exec(text)?.[1] ?? '';
    const isTold = model.length > 1 && !/^(Mobile|Tablet|rv:|wv)/.test(model);
    if (isTold) return cleanText(model, 40);
    return /Mobile/.test(text) ? 'Android phone' : 'Android tablet';
  }
  const system = [['Windows', 'Windows'], ['Mac OS X', 'a Mac'], ['CrOS', 'ChromeOS'], ['Linux', 'Linux']].find(([mark]) => text.includes(mark!));
  const browser = [['Firefox/', 'Firefox'], ['Edg/', 'Edge'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari']].find(([mark]) => text.includes(mark!));
  return system ? `${browser?.[1] ?? 'Browser'} on ${system[1]}` : (browser?.[1] ?? 'Phone');
}
