// When a browser says that somebody looks again, or that there is a network. Elsewhere nobody says so.

interface Listeners {
  wake: () => void;
  online: () => void;
  /** The page goes, and does not come back. */
  leave: () => void;
}

/** Whether somebody may look. */
export function isShown(): boolean {
  return (globalThis as { document?: Document }).document?.visibilityState !== 'hidden';
}

/** Gives the function that ends it. */
export function listenToPlatform({ wake, online, leave }: Listeners): () => void {
  if (typeof globalThis.addEventListener !== 'function') return () => {};
  const { document } = globalThis as { document?: Document };
  const shown = (): void => { if (document?.visibilityState === 'visible') wake(); };
  const on: [EventTarget, string, (event: Event) => void][] = [
    [globalThis as unknown as EventTarget, 'online', online],
    // Which of both is told differs: a change of network is at times only an "offline" that never ends.
    [globalThis as unknown as EventTarget, 'offline', wake],
    [globalThis as unknown as EventTarget, 'pageshow', wake],
    [globalThis as unknown as EventTarget, 'focus', shown],
    // A page that the browser keeps comes back with all that it knows; its session waits for it as long as the desktop does.
    [globalThis as unknown as EventTarget, 'pagehide', (event) => (event as PageTransitionEvent).persisted || leave()],
    ...(document ? [[document, 'visibilitychange', shown] as [EventTarget, string, (event: Event) => void]] : []),
  ];
  for (const [target, name, listener] of on) target.addEventListener(name, listener);
  return () => { for (const [target, name, listener] of on) target.removeEventListener(name, listener); };
}
