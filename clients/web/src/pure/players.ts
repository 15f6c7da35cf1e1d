// Media players as the desktop tells of them.

export interface Player {
  id: string;
  name: string;
  status: 'playing' | 'paused' | 'stopped';
  title: string | null;
  artist: string | null;
  album: string | null;
  length_s: number | null;
  position_s: number | null;
  /** A name for the picture, that says when to ask for it again. */
  art: string | null;
  can: Partial<Record<'play' | 'pause' | 'next' | 'previous' | 'seek' | 'stop', boolean>>;
  /** When this was said, by the phone's clock in milliseconds: the position runs on from there. */
  saidAt: number;
}

/** The players in the answer of `media.players`. */
export function readPlayers(value: unknown, now: number): Player[] {
  return (Array.isArray(value) ? value : []).filter(isPlayer).map((player) => ({ ...player, saidAt: now }));
}

/** The players after an event: one changed, came or went. Cards keep their places, so that no tap hits another one. */
export function afterEvent(players: readonly Player[], told: unknown, now: number): Player[] {
  if (typeof told !== 'object' || told === null) return [...players];
  const { id, gone } = told as { id?: unknown; gone?: unknown };
  if (gone === true) return players.filter((player) => player.id !== id);
  if (!isPlayer(told)) return [...players];
  const player = { ...told, saidAt: now };
  const isKnown = players.some((other) => other.id === id);
  return isKnown ? players.map((other) => (other.id === id ? player : other)) : [player, ...players];
}

/** Where it is now, in seconds; `null` when that is not known. */
export function positionOf({ position_s: position, length_s: length, status, saidAt }: Player, now: number): number | null {
  if (position === null) return null;
  const moved = status === 'playing' ? Math.max(0, now - saidAt) / 1000 : 0;
  return Math.min(position + moved, length ?? Infinity);
}

function isPlayer(value: unknown): value is Player {
  const { id, status, can } = (value ?? {}) as Partial<Player>;
  return typeof id === 'string' && ['playing', 'paused', 'stopped'].includes(String(status)) && typeof can === 'object' && can !== null;
}
