// Opens a page in the desktop's browser.
import { useState } from 'preact/hooks';
import { useAction } from '../desktop/calls.js';
import { useDesktop } from '../desktop/context.js';
import { say } from '../desktop/toasts.js';
import { Field } from '../parts/controls.js';
import { webAddress } from '../pure/web_address.js';
import { useHas } from '../shell/missing.js';

export function OpenView() {
  const has = useHas('url');
  const { isOpen } = useDesktop();
  const act = useAction();
  const [typed, setTyped] = useState('');
  const [complaint, setComplaint] = useState(false);
  if (!has) return null;
  const open = async (event: Event): Promise<void> => {
    event.preventDefault();
    const address = webAddress(typed);
    setComplaint(address === null);
    if (address && (await act('org.deskconn.url.open', [address]))) {
      say('good', 'The desktop opens it.');
      // Perhaps the next one is being typed by now.
      setTyped((now) => (now === typed ? '' : now));
    }
  };
  return (
    <form class="card" onSubmit={open} noValidate>
      <Field label="Address of the page" hint="Paste it here; the desktop opens it in its browser.">
        {({ id, describedBy }) => (
          <input id={id} type="url" inputMode="url" autocomplete="off" autocapitalize="off" value={typed} aria-describedby={describedBy} aria-invalid={complaint} data-testid="open-url" onInput={(event) => setTyped(event.currentTarget.value)} />
        )}
      </Field>
      {complaint && <p class="complaint" role="alert">That is no address of the web, like https://example.org/page.</p>}
      <button type="submit" class="button main" disabled={!isOpen || typed.trim() === ''} data-testid="open-send">Open it at the desktop</button>
    </form>
  );
}
