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
  /** What the result is taken for; as it is when left out. */
  read?: (result: unknown) => T;
  /** The topic that tells of changes. */
  topic?: string;
  /** What an event makes of the value, `undefined` for asking again; without it the event's first argument is the value. */
  fromEvent?: (event: DeskEvent, before: T) => T | undefined;
  /** Asks again so often, for changes that no event tells. */
  everyMs?: number;
}

interface State<T> {
  value: T | undefined;
  isFresh: boolean;
  failure: string | null;
}

/** Follows a value. Give a source that stands outside of the component. */
export function useValue<T>(source: Source<T>): Live<T> {
  const { desktop, isOpen, info, heardAt } = useDesktop();
  const [state, setState] = useState<State<T>>({ value: undefined, isFresh: false, failure: null });
  const known = useRef(state);
  // Counts what was heard, so that an answer that was overtaken by an event is not believed.
  const heard = useRef(0);
  const { uri, topic } = source;
  const mayCall = info?.procedures.includes(uri) ?? false;
  const mayHear = topic !== undefined && (info?.topics.includes(topic) ?? false);

  const become = useCallback((change: Partial<State<T>>): void => {
    heard.current += 1;
    known.current = { ...known.current, ...change };
    setState(known.current);
  }, []);
  const put = useCallback((value: T) => become({ value, isFresh: true, failure: null }), [become]);

  const refresh = useCallback((): void => {
    const before = heard.current;
    desktop.call(uri).then(
      ({ args }) => {
        if (heard.current === before) put(source.read ? source.read(args[0]) : (args[0] as T));
        // Events that change a part need the whole to stand on; one that is the whole is newer than this answer.
        else if (source.fromEvent && !known.current.isFresh) refresh();
      },
      (error) => {
        if (heard.current === before) become({ isFresh: false, failure: reasonOf(error) });
      },
    );
  }, [desktop, source]);

  // First listen, then ask, so that no change falls in between.
  useEffect(() => {
    if (!mayHear) return;
    const onError = ({ message }: Error): void => become({ isFresh: false, failure: message });
    // What changed before it stood again was not told.
    const onStands = (): void => { if (desktop.info?.procedures.includes(uri)) refresh(); };
    return desktop.subscribe(topic!, (event) => {
      if (!source.fromEvent) return put(event.args[0] as T);
      const { value, isFresh } = known.current;
      heard.current += 1;
      if (value === undefined || !isFresh) return;
      const next = source.fromEvent(event, value);
      if (next === undefined) refresh();
      else put(next);
    }, { onError, onStands });
  }, [desktop, source, mayHear]);

  useEffect(() => {
    if (!isOpen) become({ isFresh: false, failure: null });
    if (!isOpen || !mayCall) return;
    refresh();
    if (source.everyMs === undefined) return;
    const timer = setInterval(refresh, source.everyMs);
    return () => clearInterval(timer);
  }, [isOpen, mayCall, mayHear, refresh]);

  const isLive = isOpen && state.isFresh;
  return { value: state.value, isLive, asOf: isLive ? null : heardAt, failure: isOpen ? state.failure : null, put, refresh };
}

/** The last event of a topic of somebody else, retained where it is kept. */
export interface Told {
  value: unknown;
  isLive: boolean;
  /** When it was published, of an event that was kept; else when it came. */
  at: Date | null;
  failure: string | null;
  put(value: unknown): void;
}

/** Follows the first argument of a topic; without a topic nothing is ever told. */
export function useTopic(topic: string | null): Told {
  const { desktop, isOpen } = useDesktop();
  const [{ session, ...told }, setTold] = useState<Omit<Told, 'put'> & { session: number }>({ value: undefined, isLive: false, at: null, failure: null, session: 0 });
  const put = useCallback((value: unknown) => setTold({ value, isLive: true, at: new Date(), failure: null, session: desktop.session }), [desktop]);
  useEffect(() => {
    if (topic === null) return;
    const onError = ({ message }: Error): void => setTold((before) => ({ ...before, isLive: false, failure: message }));
    const onStands = (): void => setTold((before) => ({ ...before, isLive: false, failure: null }));
    return desktop.subscribe(topic, ({ args, publishedAt }) => {
      setTold({ value: args[0], isLive: true, at: publishedAt ?? new Date(), failure: null, session: desktop.session });
    }, { retained: true, onError, onStands });
  }, [desktop, topic]);
  // What was told in an earlier session may have changed since; in the same one no event was missed.
  return { ...told, isLive: isOpen && session === desktop.session && told.isLive, put };
}
