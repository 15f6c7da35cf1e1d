// The clock of the talk on the presenter: the time of day, how long it has run, what is left, and a nudge at set minutes.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useSettings } from '../desktop/settings.js';
import { loadTalk, saveTalk } from '../desktop/talk.js';
import { Button } from '../parts/controls.js';
import { vibrate } from '../parts/vibrate.js';
import { timeOfDay } from '../pure/text.js';
import { FRESH, type Talk, clock, elapsed, hold, nudges, run } from '../pure/timer.js';

/** Four a second: no second is skipped. */
const TICK_MS = 250;
/** Long enough to be felt in a pocket. */
const NUDGE_MS = [300, 150, 300, 150, 300];
/** How long the page flashes. */
const FLASH_MS = 4000;

export function TalkClock() {
  const { minutes, nudges: at } = useSettings();
  const [talk, setTalk] = useState(loadTalk);
  const now = useNow();
  const nudge = useNudges(talk, now, minutes, at);
  const change = (next: Talk): void => {
    saveTalk(next);
    setTalk(next);
  };
  const ran = elapsed(talk, now);
  const isRunning = talk.runningSince !== null;
  const left = minutes * 60_000 - ran;
  return (
    <div class={`talk ${nudge === null ? '' : 'flash'} ${minutes > 0 && left < 0 ? 'over' : ''}`} data-testid="talk">
      <span class="talk-main" role="timer" aria-live="off" data-testid="talk-clock" aria-label={minutes > 0 ? 'Time left' : 'Time since the start'}>
        {minutes > 0 ? clock(left) : clock(Math.floor(ran / 1000) * 1000)}
      </span>
      <span class="talk-side muted">
        <span>{timeOfDay(new Date(now))}</span>
        {minutes > 0 && <span>{clock(Math.floor(ran / 1000) * 1000)} gone</span>}
      </span>
      <span class="talk-buttons">
        <Button isLocal isIconOnly label={isRunning ? 'Hold the clock' : 'Start the clock'} icon={isRunning ? 'pause' : 'play'} testId="talk-run" onTap={() => change(isRunning ? hold(talk, Date.now()) : run(talk, Date.now()))} />
        <Button isLocal isIconOnly label="Set the clock back" icon="refresh" isOff={ran === 0} testId="talk-reset" onTap={() => change(FRESH)} />
      </span>
      <span class="hidden" role="status">{nudge === null ? '' : nudge === 0 ? 'The time is over' : `${nudge} minutes left`}</span>
    </div>
  );
}

function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** The minutes left of the nudge that is being given; `null` most of the time. */
function useNudges(talk: Talk, now: number, minutes: number, at: readonly number[]): number | null {
  const seen = useRef(elapsed(talk, now));
  const [nudge, setNudge] = useState<{ left: number; until: number } | null>(null);
  useEffect(() => {
    const ran = elapsed(talk, now);
    const due = nudges(seen.current, ran, minutes, at);
    seen.current = ran;
    if (minutes > 0 && due.length > 0) {
      setNudge({ left: due.at(-1)!, until: now + FLASH_MS });
      vibrate(NUDGE_MS);
    }
  }, [talk, now, minutes, at]);
  return nudge && now < nudge.until ? nudge.left : null;
}
