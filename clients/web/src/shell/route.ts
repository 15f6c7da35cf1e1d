// The screen that the address names.
import { useEffect, useState } from 'preact/hooks';
import { readFragment } from '../pure/fragment.js';

const now = (): string => readFragment(location.hash, Date.now()).route;

export function useRoute(): string {
  const [route, setRoute] = useState(now);
  useEffect(() => {
    const follow = (): void => {
      setRoute(now());
      scrollTo(0, 0);
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
