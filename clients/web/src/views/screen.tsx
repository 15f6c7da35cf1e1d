// The screen: its lock, and the brightness of each display.
import type { DeskEvent } from '@deskconn/client';
import { useAction } from '../desktop/calls.js';
import { useMay } from '../desktop/context.js';
import { say } from '../desktop/toasts.js';
import { type Live, type Source, useValue } from '../desktop/value.js';
import { Button, Card } from '../parts/controls.js';
import { Icon } from '../parts/icons.js';
import { Slider } from '../parts/slider.js';
import { useHas } from '../shell/missing.js';

interface Display {
  id: string;
  name: string;
  kind: string;
  percent: number | null;
}

/** The topic says that it changed, but not that nothing tells any more. */
const LOCK_MS = 15_000;

const LOCK: Source<boolean | null> = { uri: 'org.deskconn.screen.is_locked', topic: 'org.deskconn.screen.on_locked', everyMs: LOCK_MS };

const DISPLAYS: Source<Display[]> = {
  uri: 'org.deskconn.brightness.displays',
  topic: 'org.deskconn.brightness.on_changed',
  fromEvent: ({ args: [percent, id] }: DeskEvent, displays) => {
    if (!displays.some((display) => display.id === id)) return undefined;
    return displays.map((display) => (display.id === id ? { ...display, percent: Number(percent) } : display));
  },
};

/** For who may not ask for the list: the display that is meant when none is named. */
const FIRST: Source<Display[]> = {
  uri: 'org.deskconn.brightness.get',
  topic: 'org.deskconn.brightness.on_changed',
  read: (percent) => [{ id: '', name: 'Display', kind: '', percent: Number(percent) }],
  // The event is of whichever display.
  fromEvent: () => undefined,
};

export function ScreenView() {
  const [hasLock, hasBrightness] = [useHas('screen'), useHas('brightness')];
  return (
    <>
      {hasLock && <Lock />}
      {hasBrightness && <Brightness />}
    </>
  );
}

function Lock() {
  const may = useMay();
  const act = useAction();
  const live = useValue(LOCK);
  const lock = async (): Promise<void> => {
    const result = await act('org.deskconn.screen.lock');
    if (result?.args[0] === true) live.put(true);
    else if (result) say('bad', 'The desktop was told to lock, but does not say that it did. Look at its screen.');
  };
  const unlock = async (): Promise<void> => {
    const result = await act('org.deskconn.screen.unlock');
    if (result?.args[0] === true) live.put(false);
    else if (result) say('bad', 'The desktop was told to unlock, but does not say that it did.');
  };
  return (
    <Card title="Lock" live={live} testId="lock">
      <p class="value state-line" data-testid="lock-state">
        <Icon name={live.value === false ? 'unlock' : 'lock'} />
        <span>{inWords(live)}</span>
      </p>
      <div class="buttons">
        {may('screen.lock') && <Button label="Lock the screen" icon="lock" tone="main" isOff={live.isLive && live.value === true} testId="lock-button" onTap={lock} />}
        {may('screen.unlock') && <Button label="Unlock" icon="unlock" isOff={live.isLive && live.value === false} testId="unlock-button" onTap={unlock} />}
      </div>
    </Card>
  );
}

function inWords({ value }: Live<boolean | null>): string {
  if (value === undefined) return 'Not known yet';
  if (value === null) return 'Nothing on this desktop tells whether it is locked';
  return value ? 'Locked' : 'Not locked';
}

function Brightness() {
  const may = useMay();
  const live = useValue(may('brightness.displays') ? DISPLAYS : FIRST);
  const act = useAction();
  const set = async (id: string, percent: number): Promise<void> => {
    const result = await act('org.deskconn.brightness.set', id === '' ? [percent] : [percent, id]);
    const now = result?.args[0];
    if (typeof now !== 'number' || !live.value) return;
    live.put(live.value.map((display) => (display.id === id ? { ...display, percent: now } : display)));
  };
  return (
    <Card title="Brightness" live={live} testId="brightness">
      {live.value?.length === 0 && <p class="muted">This desktop has no display whose brightness can be set.</p>}
      {live.value?.map(({ id, name, percent }) => (
        <Slider key={id} label={name || id} value={percent ?? undefined} min={1} isOff={!may('brightness.set')} testId={`brightness-${id}`} onSend={(value) => set(id, value)} />
      ))}
    </Card>
  );
}
