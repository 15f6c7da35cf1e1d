// The commands that were started from this page. They are kept outside of the screen, so that whoever leaves it and comes
// back finds what runs, and cannot start it twice by accident.
import { useEffect, useState } from 'preact/hooks';
import { type Chunk, append, ending, readChunk } from '../pure/output.js';
import { type Call, reasonOf } from './calls.js';

/** The desktop ends what takes too long (`timeout_s`); the phone only must not be earlier. A day is longer than any of it. */
const LONGEST_MS = 24 * 3600 * 1000;

export interface Run {
  chunks: readonly Chunk[];
  /** How it ended; `null` while it runs. */
  end: { text: string; isBad: boolean } | null;
  stop(): void;
}

const runs = new Map<string, Run>();
const listeners = new Set<() => void>();

function change(name: string, part: Partial<Run>): void {
  const before = runs.get(name);
  if (!before) return;
  runs.set(name, { ...before, ...part });
  for (const listener of listeners) listener();
}

/** The last run of a command; `null` when there was none. */
export function useRun(name: string): Run | null {
  const [run, setRun] = useState(() => runs.get(name) ?? null);
  useEffect(() => {
    const follow = (): void => setRun(runs.get(name) ?? null);
    listeners.add(follow);
    follow();
    return () => void listeners.delete(follow);
  }, [name]);
  return run;
}

/** Runs a command to its end. Leaving the page ends it, since its call ends then. */
export async function start(name: string, call: Call): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  runs.set(name, { chunks: [], end: null, stop: () => controller.abort() });
  change(name, {});
  const onProgress = (args: unknown[]): void => {
    const chunk = readChunk(args[0]);
    if (chunk) change(name, { chunks: append(runs.get(name)?.chunks ?? [], chunk) });
  };
  try {
    const { args } = await call('org.deskconn.command.run', [name], { onProgress, signal, timeoutMs: LONGEST_MS });
    change(name, { end: { text: ending(args[0]), isBad: (args[0] as { exit?: unknown } | null)?.exit !== 0 } });
  } catch (error) {
    change(name, { end: { text: signal.aborted ? 'Stopped' : reasonOf(error), isBad: true } });
  }
}

/** Forgets all runs: they were of another desktop. */
export function forgetRuns(): void {
  runs.clear();
  for (const listener of listeners) listener();
}
