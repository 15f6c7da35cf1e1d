// The settings as components use them: one object, everybody sees a change at once.
import { useEffect, useState } from 'preact/hooks';
import type { Settings } from '../pure/settings.js';
import { loadSettings, saveSettings } from './storage.js';

let current: Settings | null = null;
const listeners = new Set<(settings: Settings) => void>();

/** The settings now. */
export function settings(): Settings {
  return (current ??= loadSettings());
}

export function changeSettings(change: Partial<Settings>): void {
  current = { ...settings(), ...change };
  saveSettings(current);
  for (const listener of listeners) listener(current);
}

export function useSettings(): Settings {
  const [value, setValue] = useState(settings);
  useEffect(() => {
    listeners.add(setValue);
    return () => void listeners.delete(setValue);
  }, []);
  return value;
}
