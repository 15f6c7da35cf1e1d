// The touch pad. Movements are gathered and sent thirty times a second; a click goes behind what was moved before it.
import { useMemo, useRef } from 'preact/hooks';
import { useAction } from '../desktop/calls.js';
import { useDesktop, useMay } from '../desktop/context.js';
import { useSettings } from '../desktop/settings.js';
import { Button } from '../parts/controls.js';
import { keepMoves } from '../parts/touch.js';
import { vibrate } from '../parts/vibrate.js';
import { Latest } from '../pure/latest.js';
import { type Gesture, MAX_MOVE, MAX_NOTCHES, Touchpad, Whole } from '../pure/touchpad.js';

/** Thirty a second: what a pointer needs to look smooth, and a third of what a session may send. */
const INTERVAL_MS = 34;
/** What an arrow key moves. */
const STEP = 20;
const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

const BUTTONS = [['left', 'Left'], ['middle', 'Middle'], ['right', 'Right']] as const;

type Way = { dx: number; dy: number };
const add = (one: Way, other: Way): Way => ({ dx: one.dx + other.dx, dy: one.dy + other.dy });

export function Pad() {
  const { isOpen } = useDesktop();
  const may = useMay();
  const { haptic } = useSettings();
  const { moveBy, turnBy, click } = useSending();
  const fingers = useRef(new Touchpad());
  const does = (gesture: Gesture | null): void => {
    if (!gesture || !isOpen || !may(`pointer.${gesture.does}`)) return;
    if (gesture.does === 'move') return moveBy(gesture);
    if (gesture.does === 'scroll') return turnBy(gesture);
    if (haptic) vibrate(10);
    click(gesture.button);
  };
  const press = (event: KeyboardEvent): void => {
    const way = ARROWS[event.key];
    if (way) does({ does: 'move', dx: way[0], dy: way[1] });
    else if (event.key === 'Enter' || event.key === ' ') does({ does: 'click', button: 'left' });
    else return;
    event.preventDefault();
  };
  return (
    <section class="pad-area" aria-label="Pointer">
      <div
        class="touchpad"
        role="application"
        aria-label="Touch pad. One finger moves, two scroll, a tap clicks, a tap with two fingers is a right click. Arrow keys move, Enter clicks."
        aria-disabled={!isOpen}
        tabIndex={0}
        data-testid="touchpad"
        onKeyDown={press}
        onTouchMove={keepMoves}
        onPointerDown={(event: PointerEvent) => {
          (event.currentTarget as Element).setPointerCapture(event.pointerId);
          fingers.current.down(event.pointerId, event.clientX, event.clientY, event.timeStamp);
        }}
        onPointerMove={(event: PointerEvent) => does(fingers.current.move(event.pointerId, event.clientX, event.clientY, event.timeStamp))}
        onPointerUp={(event: PointerEvent) => does(fingers.current.up(event.pointerId, event.timeStamp))}
        onPointerCancel={(event: PointerEvent) => fingers.current.cancel(event.pointerId)}
      >
        <p class="muted" aria-hidden="true">{isOpen ? 'Touch pad' : 'Not connected'}<small class="block">two fingers scroll · a tap clicks · with two fingers right click</small></p>
      </div>
      <div class="buttons even">
        {may('pointer.click') && BUTTONS.map(([button, label]) => <Button key={button} label={label} testId={`click-${button}`} onTap={() => click(button)} />)}
      </div>
    </section>
  );
}

function useSending() {
  const act = useAction();
  const call = useRef(act);
  call.current = act;
  return useMemo(() => {
    const [counts, notches] = [new Whole(), new Fine()];
    const send = (uri: string, [dx, dy]: [number, number]): Promise<unknown> => (dx === 0 && dy === 0 ? Promise.resolve() : call.current(uri, [dx, dy]));
    const moves = new Latest<Way>({ merge: add, send: ({ dx, dy }) => send('org.deskconn.pointer.move', counts.take(dx, dy, MAX_MOVE)) }, INTERVAL_MS);
    const turns = new Latest<Way>({ merge: add, send: ({ dx, dy }) => send('org.deskconn.pointer.scroll', notches.take(dx, dy)) }, INTERVAL_MS);
    const click = (button: string): void => {
      moves.flush();
      turns.flush();
      void call.current('org.deskconn.pointer.click', [button]);
    };
    return { moveBy: (way: Way) => moves.push(way), turnBy: (way: Way) => turns.push(way), click };
  }, []);
}

/** Notches in hundredths: the desktop adds up fractions, but many digits are only longer. */
class Fine {
  readonly #whole = new Whole();
  take(dx: number, dy: number): [number, number] {
    const [x, y] = this.#whole.take(dx * 100, dy * 100, MAX_NOTCHES * 100);
    return [x / 100, y / 100];
  }
}
