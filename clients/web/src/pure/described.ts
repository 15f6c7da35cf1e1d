// What programs of others say they offer, made into controls. Whatever is in a description, the page stands.
import { cleanText } from '@deskconn/client';

/** The longest title and group that are shown (docs/API.md says 128 bytes). */
const MAX_TITLE_CHARS = 128;
/** The longest value that is shown in a line. */
const MAX_VALUE_CHARS = 300;

interface Common {
  uri: string;
  title: string;
  group: string;
  icon: string | null;
  /** Where its value is told; `null` when nobody tells it. */
  topic: string | null;
  by: string;
}

export type Item =
  | (Common & { kind: 'button' | 'toggle' | 'text' | 'value' })
  | (Common & { kind: 'slider'; min: number; max: number; step: number })
  /** Something that this version of the app cannot draw. */
  | (Common & { kind: 'unknown' });

/** One item; `null` when it has not even a URI. */
export function readItem(value: unknown): Item | null {
  if (typeof value !== 'object' || value === null) return null;
  const raw = value as Record<string, unknown>;
  const text = (key: string): string => (typeof raw[key] === 'string' ? cleanText(raw[key] as string, MAX_TITLE_CHARS) : '');
  const uri = typeof raw['uri'] === 'string' ? raw['uri'] : '';
  if (!uri) return null;
  const topic = typeof raw['topic'] === 'string' && raw['topic'] !== '' ? raw['topic'] : null;
  const common = { uri, title: text('title') || uri, group: text('group'), icon: text('icon') || null, topic, by: text('by') };
  switch (raw['kind']) {
    case 'button':
    case 'toggle':
    case 'text':
      return { ...common, kind: raw['kind'] };
    case 'value':
      return { ...common, kind: 'value', topic: topic ?? uri };
    case 'slider': {
      const { min, max, step } = raw;
      const isRange = typeof min === 'number' && typeof max === 'number' && Number.isFinite(min) && Number.isFinite(max) && min < max;
      if (!isRange) return { ...common, kind: 'unknown' };
      const isStep = typeof step === 'number' && Number.isFinite(step) && step > 0;
      // Without a step it moves in whole numbers, or finely where there are few of them.
      return { ...common, kind: 'slider', min, max, step: isStep ? step : max - min >= 10 ? 1 : (max - min) / 100 };
    }
    default:
      return { ...common, kind: 'unknown' };
  }
}

export interface Group {
  title: string;
  items: Item[];
}

/** The items in their groups, in the order in which they were told; those without a group under who offers them. */
export function groupsOf(described: unknown): Group[] {
  const groups = new Map<string, Item[]>();
  for (const value of Array.isArray(described) ? described : []) {
    const item = readItem(value);
    if (!item) continue;
    const title = item.group || item.by || 'Other';
    groups.set(title, [...(groups.get(title) ?? []), item]);
  }
  return [...groups].map(([title, items]) => ({ title, items }));
}

/** A value in a line. */
export function inWords(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000);
  const text = typeof value === 'string' ? value : safeJson(value);
  return cleanText(text, MAX_VALUE_CHARS) || '–';
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '–';
  } catch {
    return '–';
  }
}
