// The clock of the talk survives a reload of the page: it is kept for the tab.
import { FRESH, type Talk } from '../pure/timer.js';

const KEY = 'deskconn.talk';

export function loadTalk(): Talk {
  try {
    const value = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Partial<Talk> | null;
    const isTime = (time: unknown): time is number => typeof time === 'number' && Number.isFinite(time) && time >= 0;
    if (!value || !isTime(value.before) || !(value.runningSince === null || isTime(value.runningSince))) return FRESH;
    return { before: value.before, runningSince: value.runningSince };
  } catch {
    return FRESH;
  }
}

export function saveTalk(talk: Talk): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(talk));
  } catch {
    // It runs on as long as the page is there.
  }
}
