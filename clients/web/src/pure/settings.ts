// How the person likes the app. Read from storage, where anything may stand after an update or a bad day.
import { MAX_MINUTES, MAX_NUDGES } from './timer.js';
import { cleanText } from '@deskconn/client';

export interface Settings {
  /** What the phone calls itself when it pairs; empty until the person said. */
  name: string;
  /** The thumb that holds the phone. */
  hand: 'right' | 'left';
  /** How long a talk is; 0 for no countdown. */
  minutes: number;
  /** Minutes left at which the phone vibrates. */
  nudges: number[];
  /** Whether a tap that worked is felt. */
  haptic: boolean;
}

export const USUAL: Settings = { name: '', hand: 'right', minutes: 0, nudges: [5, 1, 0], haptic: true };

/** The settings in some value; what is missing or makes no sense is as usual. */
export function readSettings(value: unknown): Settings {
  if (typeof value !== 'object' || value === null) return USUAL;
  const { name, hand, minutes, nudges, haptic } = value as Record<string, unknown>;
  const isMinutes = (number: unknown): number is number => typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= MAX_MINUTES;
  return {
    name: typeof name === 'string' ? cleanText(name) : USUAL.name,
    hand: hand === 'left' ? 'left' : 'right',
    minutes: isMinutes(minutes) ? minutes : USUAL.minutes,
    nudges: Array.isArray(nudges) && nudges.every(isMinutes) ? nudges.slice(0, MAX_NUDGES) : USUAL.nudges,
    haptic: haptic !== false,
  };
}
