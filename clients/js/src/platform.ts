// When a browser says that somebody looks again, or that there is a network. Elsewhere nobody says so.

interface Listeners {
  wake: () => void;
  online: () => void;
}

/** Gives the function that ends it. */
export function listenToPlatform({ wake, online }: Listeners): () => void {
  if (typeof globalThis.addEventListener !== 'function') return () => {};
  const { document } = globalThis as { document?: Document };
  const shown = (): void => { if (document?.visibilityState === 'visible') wake(); };
  const on: [EventTarget, string, () => void][] = [
    [globalThis as unknown as EventTarget, 'online', online],
    // Which of both is told differs: a change of network is at times only an "offline" that never ends.
    [globalThis as unknown as EventTarget, 'offline', wake],
    [globalThis as unknown as EventTarget, 'pageshow', wake],
    [globalThis as unknown as EventTarget, 'focus', shown],
    ...(document ? [[document, 'visibilitychange', shown] as [EventTarget, string, () => void]] : []),
  ];
  for (const [target, name, listener] of on) target.addEventListener(name, listener);
  return () => { for (const [target, name, listener] of on) target.removeEventListener(name, listener); };
}
