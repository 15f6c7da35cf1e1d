// What this origin keeps: the membership of its desktop, the list of other desktops, and how the person likes the app. Browsers
// may forbid storing (private mode, policies) or have no room; then it is kept for the tab alone, and the app says so.
import type { Membership } from '@deskconn/client';
import { type KnownDesktop, merge, readDesktops } from '../pure/desktops.js';
import { type Settings, readSettings } from '../pure/settings.js';

const MEMBERSHIP = 'deskconn.membership';
const DESKTOPS = 'deskconn.desktops';
const SETTINGS = 'deskconn.settings';

const inMemory = new Map<string, string>();
let isKept = true;

/** Whether what is stored outlives the tab. */
export function isLasting(): boolean {
  return isKept;
}

function read(key: string): unknown {
  try {
    const text = inMemory.get(key) ?? localStorage.getItem(key);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function write(key: string, value: unknown): void {
  const text = JSON.stringify(value);
  try {
    localStorage.setItem(key, text);
    inMemory.delete(key);
  } catch {
    inMemory.set(key, text);
    isKept = false;
  }
}

function remove(key: string): void {
  inMemory.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // Where nothing may be stored there is nothing to remove.
  }
}

/** The membership of the desktop of this origin; `null` when there is none, or what is there is none. */
export function loadMembership(): Membership | null {
  const value = read(MEMBERSHIP) as Partial<Membership> | null;
  const isWhole = typeof value?.joined?.did === 'string' && typeof value.joined.device_id === 'string'
    && /^[0-9a-f]{64}$/.test(value.keys?.sign ?? '') && /^[0-9a-f]{64}$/.test(value.keys?.noise ?? '');
  return isWhole ? (value as Membership) : null;
}

export function keepMembership(membership: Membership): void {
  write(MEMBERSHIP, membership);
}

export function forgetMembership(): void {
  remove(MEMBERSHIP);
}

export function loadDesktops(): KnownDesktop[] {
  return readDesktops(read(DESKTOPS), Date.now());
}

/** Adds what was heard of desktops to the list, and gives it. */
export function noteDesktops(news: readonly KnownDesktop[]): KnownDesktop[] {
  const desktops = merge(loadDesktops(), news);
  write(DESKTOPS, desktops);
  return desktops;
}

/** Takes a desktop off the list. */
export function dropDesktop(id: string): KnownDesktop[] {
  const desktops = loadDesktops().filter((desktop) => desktop.id !== id);
  write(DESKTOPS, desktops);
  return desktops;
}

export function loadSettings(): Settings {
  return readSettings(read(SETTINGS));
}

export function saveSettings(settings: Settings): void {
  write(SETTINGS, settings);
}
