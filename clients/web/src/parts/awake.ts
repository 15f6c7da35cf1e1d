// Keeps the phone's screen on, where the browser lets a page do that (Screen Wake Lock API: secure contexts alone).
import { useEffect } from 'preact/hooks';

/** Whether this page could. */
export function canStayAwake(): boolean {
  return isSecureContext && 'wakeLock' in navigator;
}

/** For as long as the component is there; the browser takes it back whenever the page is hidden. */
export function useAwake(): void {
  useEffect(() => {
    if (!canStayAwake()) return;
    let lock: WakeLockSentinel | null = null;
    let isOver = false;
    const ask = async (): Promise<void> => {
      if (document.visibilityState !== 'visible') return;
      try {
        const given = await navigator.wakeLock.request('screen');
        if (isOver) await given.release();
        else lock = given;
      } catch {
        // The battery is low: the system decides.
      }
    };
    void ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      isOver = true;
      document.removeEventListener('visibilitychange', ask);
      void lock?.release();
    };
  }, []);
}
