// How the person likes the app; kept on this phone, for this desktop's address.
import { useState } from 'preact/hooks';
import { changeSettings, useSettings } from '../desktop/settings.js';
import { canStayAwake } from '../parts/awake.js';
import { Card, Field } from '../parts/controls.js';
import { canVibrate, vibrate } from '../parts/vibrate.js';
import { MAX_MINUTES, readMinutes } from '../pure/timer.js';

export function SettingsView() {
  return (
    <>
      <Talk />
      <Hand />
      <Card title="This browser">
        <ul class="facts-list">
          <li>{canStayAwake() ? 'The screen stays on while the slides are shown.' : 'Browsers let a page keep the screen on only over https. Before a talk, set the phone to leave its screen on for longer.'}</li>
          <li>{canVibrate() ? 'The phone vibrates at the minutes that you set, and when a tap was not done.' : 'This browser does not let pages vibrate: the page flashes instead.'}</li>
        </ul>
        <a class="alone" href="/licenses.txt">Licences of what this app is made of</a>
      </Card>
    </>
  );
}

function Talk() {
  const { minutes, nudges } = useSettings();
  const [text, setText] = useState(nudges.join(', '));
  const isWrong = readMinutes(text) === null;
  const type = (typed: string): void => {
    setText(typed);
    const read = readMinutes(typed);
    if (read) changeSettings({ nudges: read });
  };
  return (
    <Card title="Talk">
      <Field label="Length in minutes" hint="0 for none: then the clock counts up.">
        {({ id, describedBy }) => (
          <input id={id} type="number" inputMode="numeric" min={0} max={MAX_MINUTES} value={minutes} aria-describedby={describedBy} data-testid="talk-minutes" onInput={(event) => {
            const value = event.currentTarget.valueAsNumber;
            changeSettings({ minutes: Number.isInteger(value) ? Math.min(MAX_MINUTES, Math.max(0, value)) : 0 });
          }} />
        )}
      </Field>
      <Field label="Tell me when so many minutes are left" hint={isWrong ? 'Whole numbers with commas between, at most eight, like 10, 5, 1.' : 'The phone vibrates and flashes. 0 is the end.'}>
        {({ id, describedBy }) => <input id={id} inputMode="text" value={text} aria-invalid={isWrong} aria-describedby={describedBy} data-testid="talk-nudges" onInput={(event) => type(event.currentTarget.value)} />}
      </Field>
    </Card>
  );
}

function Hand() {
  const { hand, haptic } = useSettings();
  return (
    <Card title="Thumb">
      <fieldset class="choice">
        <legend>The large button is at the side of</legend>
        {(['right', 'left'] as const).map((side) => (
          <label key={side}>
            <input type="radio" name="hand" checked={hand === side} data-testid={`hand-${side}`} onChange={() => changeSettings({ hand: side })} />
            the {side} thumb
          </label>
        ))}
      </fieldset>
      {canVibrate() && (
        <label class="choice-line">
          <input type="checkbox" checked={haptic} data-testid="haptic" onChange={(event) => {
            changeSettings({ haptic: event.currentTarget.checked });
            if (event.currentTarget.checked) vibrate(15);
          }} />
          Feel each tap that worked
        </label>
      )}
    </Card>
  );
}
