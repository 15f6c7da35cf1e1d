// Calls as controls make them: one that fails is told to the person, one that waits for the owner says so meanwhile.
import type { CallFailed, CallResult } from '@deskconn/client';
import { useCallback } from 'preact/hooks';
import { needsConsent, readGrants } from '../pure/rights.js';
import { sentence } from '../pure/text.js';
import { useDesktop } from './context.js';
import { say } from './toasts.js';

export interface CallOptions {
  kwargs?: Record<string, unknown>;
  onProgress?: (args: unknown[], kwargs: Record<string, unknown>) => void;
  signal?: AbortSignal;
  timeoutMs?: number;
}

/** What to say of a call that failed. */
export function reasonOf(error: unknown): string {
  const { message, kwargs } = error as Partial<CallFailed>;
  const mend = typeof kwargs?.['mend'] === 'string' ? kwargs['mend'] : '';
  const text = sentence(message ?? String(error));
  return mend && !text.includes(mend) ? `${text} ${sentence(mend)}` : text;
}

/** The owner is asked for a minute, and the answer has to come back. */
const CONSENT_MS = 70_000;

export type Call = (uri: string, args?: unknown[], options?: CallOptions) => Promise<CallResult>;

/** Calls and throws what failed. While the owner is asked, a message says so and offers to give up. */
export function useCall(): Call {
  const { desktop, info } = useDesktop();
  return useCallback(async (uri, args = [], options = {}) => {
    if (!info || !needsConsent(readGrants(info.grants), uri)) return desktop.call(uri, args, options);
    const stop = new AbortController();
    options.signal?.addEventListener('abort', () => stop.abort());
    const done = say('wait', 'Waiting for a yes at the desktop', () => stop.abort());
    try {
      return await desktop.call(uri, args, { ...options, timeoutMs: Math.max(CONSENT_MS, options.timeoutMs ?? 0), signal: stop.signal });
    } finally {
      done();
    }
  }, [desktop, info]);
}

/** Calls, and tells the person when it fails; gives `undefined` then. */
export function useAction(): (uri: string, args?: unknown[], options?: CallOptions) => Promise<CallResult | undefined> {
  const call = useCall();
  return useCallback(async (uri, args, options) => {
    try {
      return await call(uri, args, options);
    } catch (error) {
      if (!options?.signal?.aborted) say('bad', reasonOf(error));
      return undefined;
    }
  }, [call]);
}
