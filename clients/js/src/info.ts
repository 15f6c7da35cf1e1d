// What a desktop says of itself and of what this device may do: `org.deskconn.info.get` (docs/API.md).
import { isDict } from './failure.js';

/** One thing that a component of others offers, as it described it. */
export interface DescribedItem {
  uri: string;
  title?: string;
  kind?: 'button' | 'toggle' | 'slider' | 'text' | 'value';
  min?: number;
  max?: number;
  step?: number;
  icon?: string;
  group?: string;
  topic?: string;
  /** The authid of who offers it. */
  by?: string;
}

/** What may be done beside the role. */
export interface Grant {
  uri: string;
  match: 'exact' | 'prefix' | 'wildcard';
  allow: string[];
  until?: string | null;
  confirm?: boolean;
  while_unlocked?: boolean;
  /** Whether it counts at this moment. */
  holds?: boolean;
  /** Whether the role allows the same without it. */
  by_role?: boolean;
}

export interface Info {
  name: string;
  id: string;
  version: string;
  /** The functions that are offered. */
  components: string[];
  /** By the name of a function: a sentence about what it lacks here, and the step that mends it. */
  missing: Record<string, string>;
  role: string;
  grants: Grant[];
  /** What the caller may call now. */
  procedures: string[];
  /** What the caller may hear now. */
  topics: string[];
  described: DescribedItem[];
  sessions: number;
}

/** Takes what the desktop said; what an older one leaves out is empty. */
export function asInfo(value: unknown): Info {
  const said = isDict(value) ? value : {};
  const list = (name: string): never[] => (Array.isArray(said[name]) ? (said[name] as never[]) : []);
  const text = (name: string): string => (typeof said[name] === 'string' ? said[name] : '');
  return {
    name: text('name'),
    id: text('id'),
    version: text('version'),
    role: text('role'),
    components: list('components'),
    missing: isDict(said['missing']) ? (said['missing'] as Info['missing']) : {},
    grants: list('grants'),
    procedures: list('procedures'),
    topics: list('topics'),
    described: list('described'),
    sessions: typeof said['sessions'] === 'number' ? said['sessions'] : 0,
  };
}
