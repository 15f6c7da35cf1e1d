// A message that the desktop shows.
import { useState } from 'preact/hooks';
import { useAction } from '../desktop/calls.js';
import { useDesktop } from '../desktop/context.js';
import { settings } from '../desktop/settings.js';
import { say } from '../desktop/toasts.js';
import { Field } from '../parts/controls.js';
import { useHas } from '../shell/missing.js';

/** As much as the desktop takes (docs/API.md). */
const MAX_SUMMARY_CHARS = 200;
const MAX_BODY_CHARS = 4000;

export function NotifyView() {
  const has = useHas('notify');
  const { isOpen } = useDesktop();
  const act = useAction();
  const [summary, setSummary] = useState('');
  const [body, setBody] = useState('');
  if (!has) return null;
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const kwargs = { ...(body.trim() ? { body } : {}), ...(settings().name ? { app: settings().name } : {}) };
    if (!(await act('org.deskconn.notify.send', [summary.trim()], { kwargs }))) return;
    say('good', 'The desktop shows it.');
    // Perhaps the next one is being typed by now.
    setSummary((now) => (now === summary ? '' : now));
    setBody((now) => (now === body ? '' : now));
  };
  return (
    <form class="card" onSubmit={send}>
      <Field label="Message">
        {({ id }) => <input id={id} value={summary} maxLength={MAX_SUMMARY_CHARS} data-testid="notify-summary" onInput={(event) => setSummary(event.currentTarget.value)} />}
      </Field>
      <Field label="More text, if you like">
        {({ id }) => <textarea id={id} value={body} maxLength={MAX_BODY_CHARS} data-testid="notify-body" onInput={(event) => setBody(event.currentTarget.value)} />}
      </Field>
      <button type="submit" class="button main" disabled={!isOpen || summary.trim() === ''} data-testid="notify-send">Show it at the desktop</button>
    </form>
  );
}
