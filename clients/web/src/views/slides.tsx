// The presenter: made for a thumb on a stage, without looking. A tap that was not done is seen at once.
import { useEffect, useRef, useState } from 'preact/hooks';
import { reasonOf, useCall } from '../desktop/calls.js';
import { useDesktop, useMay } from '../desktop/context.js';
import { useSettings } from '../desktop/settings.js';
import { Button } from '../parts/controls.js';
import { Icon } from '../parts/icons.js';
import { useAwake } from '../parts/awake.js';
import { keepMoves } from '../parts/touch.js';
import { vibrate } from '../parts/vibrate.js';
import { type SlideAction, actionOfKey, actionOfSwipe } from '../pure/presenter.js';
import { useHas } from '../shell/missing.js';
import { TalkClock } from './talk_clock.js';

/** A slide that turns later than this is worse than one that does not: the speaker has tapped again by then. */
const ANSWER_MS = 3000;
const TICK_MS = 15;
const ALARM_MS = [60, 60, 60];

export function SlidesView() {
  const { isOpen } = useDesktop();
  const may = useMay();
  const { hand, haptic } = useSettings();
  const { turn, failure, turned } = useTurning(haptic);
  const touches = useTouches(turn);
  useKeys(turn);
  useAwake();
  if (!useHas('slides')) return null;
  return (
    <div class={`presenter ${hand} ${failure ? 'failed' : ''}`} data-testid="presenter">
      <TalkClock />
      <p class="turned" role="status" data-testid="turned">
        {failure ? <span class="complaint"><Icon name="warning" /> {failure}</span> : turned}
      </p>
      <div class="pad" onTouchMove={keepMoves} {...touches}>
        <button type="button" class="turn next" disabled={!isOpen || !may('slides.next')} data-turn="next" data-testid="slides-next">
          <Icon name="next" />
          <span>Next</span>
        </button>
        <button type="button" class="turn previous" disabled={!isOpen || !may('slides.previous')} data-turn="previous" data-testid="slides-previous">
          <Icon name="previous" />
          <span>Previous</span>
        </button>
      </div>
      <div class="buttons">
        {SMALL.filter(([action]) => may(`slides.${action}`)).map(([action, label]) => (
          <Button key={action} label={label} icon={action} testId={`slides-${action}`} onTap={() => turn(action)} />
        ))}
        {document.fullscreenEnabled && <FullScreen />}
      </div>
    </div>
  );
}

const SMALL = [['start', 'Start'], ['blank', 'Blank'], ['end', 'End']] as const;

const DONE: Record<SlideAction, string> = { next: 'Next slide', previous: 'Previous slide', start: 'Started', end: 'Ended', blank: 'Blanked, or back' };

/** Turns slides, and tells what came of the last tap. */
function useTurning(isHaptic: boolean) {
  const call = useCall();
  const [failure, setFailure] = useState<string | null>(null);
  const [turned, setTurned] = useState('');
  const count = useRef(0);
  const turn = async (action: SlideAction): Promise<void> => {
    count.current += 1;
    const mine = count.current;
    try {
      await call(`org.deskconn.slides.${action}`, [], { timeoutMs: ANSWER_MS });
      setFailure(null);
      // The same words twice would not be spoken twice.
      setTurned(`${DONE[action]}${mine % 2 === 0 ? '\u00a0' : ''}`);
      if (isHaptic) vibrate(TICK_MS);
    } catch (error) {
      setFailure(reasonOf(error));
      vibrate(ALARM_MS);
    }
  };
  return { turn, failure, turned };
}

/** A click that comes later than that after a touch is one of its own: of a key, or of a screen reader. */
const SAME_TOUCH_MS = 400;

/**
 * Taps and swipes on the pad, told from where a finger goes down and up. The browser's own clicks are not enough: it gives
 * none for a finger in a glove that slips while it presses.
 */
function useTouches(turn: (action: SlideAction) => void) {
  const begin = useRef<{ id: number; x: number; y: number; at: number; button: SlideAction | null } | null>(null);
  const doneAt = useRef(-Infinity);
  return {
    onPointerDown: (event: PointerEvent) => {
      if (!event.isPrimary || event.button !== 0) return;
      begin.current = { id: event.pointerId, x: event.clientX, y: event.clientY, at: event.timeStamp, button: buttonAt(event) };
    },
    onPointerUp: (event: PointerEvent) => {
      const from = begin.current;
      if (from?.id !== event.pointerId) return;
      begin.current = null;
      const action = actionOfSwipe(event.clientX - from.x, event.clientY - from.y, event.timeStamp - from.at) ?? from.button;
      if (!action) return;
      doneAt.current = event.timeStamp;
      turn(action);
    },
    onPointerCancel: () => {
      begin.current = null;
    },
    onClick: (event: MouseEvent) => {
      const action = buttonAt(event);
      const isOfTouch = event.detail > 0 && event.timeStamp - doneAt.current < SAME_TOUCH_MS;
      if (action && !isOfTouch) turn(action);
    },
  };
}

/** What the button under the event does; `null` beside the buttons, and for one that is off. */
function buttonAt({ target }: Event): SlideAction | null {
  const button = (target as Element).closest<HTMLButtonElement>('[data-turn]:enabled');
  return (button?.dataset['turn'] ?? null) as SlideAction | null;
}

/** Keys of a keyboard, of a presenter that is paired with the phone, and of the phone where the browser gives them. */
function useKeys(turn: (action: SlideAction) => void): void {
  const latest = useRef(turn);
  latest.current = turn;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const action = actionOfKey(event, target.tagName);
      if (!action) return;
      event.preventDefault();
      if (!event.repeat) latest.current(action);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function FullScreen() {
  const [isFull, setFull] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const follow = (): void => setFull(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', follow);
    return () => document.removeEventListener('fullscreenchange', follow);
  }, []);
  const toggle = (): void => {
    const done = isFull ? document.exitFullscreen() : document.documentElement.requestFullscreen();
    // The browser may refuse; the button then stays as it is, which says so.
    done.catch(() => {});
  };
  return <Button label={isFull ? 'Leave full screen' : 'Full screen'} icon="full" isIconOnly isLocal onTap={toggle} />;
}
