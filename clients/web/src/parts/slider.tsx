// A slider that follows the desktop, except while a person holds it: then it shows the thumb, sends what is newest, and
// goes back to following when the desktop has answered the last value.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useDesktop } from '../desktop/context.js';
import { Latest } from '../pure/latest.js';

/** Events of the values on the way still come after the last answer; shown, the thumb would jump back. */
const SETTLE_MS = 500;

interface Props {
  label: string;
  /** As the desktop has it; `undefined` while that is not known. */
  value: number | undefined;
  min?: number;
  max?: number;
  step?: number;
  unit?: string;
  isOff?: boolean;
  testId?: string;
  /** Calls the desktop. What fails is told by whoever calls. */
  onSend: (value: number) => Promise<unknown>;
}

export function Slider({ label, value, min = 0, max = 100, step = 1, unit = ' %', isOff = false, testId, onSend }: Props) {
  const id = useId();
  const { isOpen } = useDesktop();
  const { held, grip, hold, release } = useHeld(onSend, isOpen);
  const shown = held ?? value;
  const part = max > min ? Math.min(1, Math.max(0, ((shown ?? min) - min) / (max - min))) : 0;
  const text = shown === undefined ? '–' : `${shown}${unit}`;
  return (
    <div class="slider" data-testid={testId}>
      <label for={id}>{label}</label>
      <output for={id}>{text}</output>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={shown ?? min}
        style={{ '--part': part }}
        aria-valuetext={text}
        disabled={isOff || !isOpen || value === undefined}
        onInput={(event) => hold(event.currentTarget.valueAsNumber)}
        onPointerDown={grip}
        onPointerUp={release}
        onPointerCancel={release}
        onBlur={release}
      />
    </div>
  );
}

function useHeld(onSend: (value: number) => Promise<unknown>, isOpen: boolean) {
  const [held, setHeld] = useState<number | null>(null);
  const isDown = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const send = useRef(onSend);
  send.current = onSend;
  const latest = useRef<Latest<number> | null>(null);
  const settle = (): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      if (!isDown.current && !latest.current!.isBusy) setHeld(null);
    }, SETTLE_MS);
  };
  latest.current ??= new Latest<number>({ send: (value) => send.current(value), onIdle: settle });
  useEffect(() => {
    if (isOpen) return;
    // What was not sent is not sent later.
    latest.current!.stop();
    isDown.current = false;
    setHeld(null);
  }, [isOpen]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const grip = (): void => {
    isDown.current = true;
  };
  const hold = (value: number): void => {
    setHeld(value);
    latest.current!.push(value);
  };
  const release = (): void => {
    isDown.current = false;
    if (!latest.current!.isBusy) settle();
  };
  return { held, grip, hold, release };
}
