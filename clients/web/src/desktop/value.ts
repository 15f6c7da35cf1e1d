// A value of the desktop that follows its topic: fetched when the view opens and after each reconnect, never shown as
// live when it is not.
import type { DeskEvent } from '@deskconn/client';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { reasonOf } from './calls.js';
import { useDesktop } from './context.js';

export interface Live<T> {
  /** As last known; `undefined` until it was known once. */
  value: T | undefined;
  /** Whether that is how it is now. */
  isLive: boolean;
  /** When it was last live; `null` while it is. */
  asOf: Date | null;
  /** Why it cannot be told. */
  failure: string | null;
  /** Puts what a call answered in its place, until the next event. */
  put(value: T): void;
  /** Asks again. */
  refresh(): void;
}

export interface Source<T> {
  /** A procedure without arguments that has the value as its first result. */
  uri: string;
  /** The topic that tells of changes, and what an event makes of the value; without it the event's first argument is the value. */
  topic?: string;
  fromEvent?: (event: DeskEvent, before: T | undefined) => T | undefined;
  /** Asks again so often, where nothing tells. */
  everyMs?: number;
}

/** Follows a value. `source` is read when it begins: give an object that stands outside of the component. */
export function useValue<T>(source: Source<T>): Live<T> {
  const { desktop, isOpen, info, heardAt } = useDesktop();
  const [state, setState] = useState<{ value: T | undefined; isFresh: boolean; failure: string | null }>({ value: undefined, isFresh: false, failure: null });
  // Counts what was heard, so that an answer that was overtaken by an event is not believed.
  const heard = useRef(0);
  const { uri, topic } = source;
  const mayCall = info?.procedures.includes(uri) ?? false;
  const mayHear = topic !== undefined && (info?.topics.includes(topic) ?? false);

  const put = useCallback((value: T | undefined): void => {
    heard.current += 1;
    if (value !== undefined) setState({ value, isFresh: true, failure: null });
  }, []);

  const fetch = useCallback((): void => {
    const before = heard.current;
    desktop.call(uri).then(
      ({ args }) => {
        if (heard.current === before) put(args[0] as T);
        // Events that change a part need the whole to stand on; one that is the whole is newer than this answer.
        else if (source.fromEvent) fetch();
      },
      (error) => {
        if (heard.current === before) setState((state) => ({ ...state, isFresh: false, failure: reasonOf(error) }));
      },
    );
  }, [desktop, uri]);

  // First listen, then ask, so that no change falls in between.
  useEffect(() => {
    if (!mayHear) return;
    return desktop.subscribe(topic!, (event) => {
      heard.current += 1;
      setState((state) => {
        const value = source.fromEvent ? source.fromEvent(event, state.value) : (event.args[0] as T);
        return value === undefined ? state : { value, isFresh: true, failure: null };
      });
    });
  }, [desktop, topic, mayHear]);

  useEffect(() => {
    if (!isOpen) {
      heard.current += 1;
      setState((state) => ({ ...state, isFresh: false, failure: null }));
      return;
    }
    if (!mayCall) return;
    fetch();
    if (source.everyMs === undefined) return;
    const timer = setInterval(fetch, source.everyMs);
    return () => clearInterval(timer);
  }, [isOpen, mayCall, fetch]);

  const isLive = isOpen && state.isFresh;
  return { value: state.value, isLive, asOf: isLive ? null : heardAt, failure: state.failure, put, refresh: fetch };
}
