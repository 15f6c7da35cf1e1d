// The page that a QR code opens: a name, one tap, a comparison of fingerprints. Without a link it takes the eight digits.
import { type FailureCode, type Link, MAX_NAME_CHARS, type Membership, type Secret, PairingError, cleanText, pairWith, parseCode } from '@deskconn/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { changeSettings, settings } from '../desktop/settings.js';
import { forgetMembership, keepMembership, loadDesktops, loadMembership } from '../desktop/storage.js';
import { Icon } from '../parts/icons.js';
import { placeOf } from '../pure/addresses.js';
import { DesktopList } from '../views/desktop_list.js';
import { explain } from '../pure/failures.js';
import { guessName } from '../pure/guess_name.js';

type Stage =
  | { at: 'form' }
  | { at: 'connecting' }
  | { at: 'waiting'; desktop: string; fingerprint: string }
  | { at: 'failed'; code: FailureCode };

interface Props {
  /** Of the QR code; `null` when the person has to type the digits. */
  link: Link | null;
  /** What was wrong with the link that the page was opened with. */
  isLinkBroken: boolean;
  onPaired: (membership: Membership) => void;
  /** The desktop that this phone is paired with here already, and the way back to it. */
  present: { name: string; onBack: () => void } | null;
}

export function PairPage({ link, isLinkBroken, onPaired, present }: Props) {
  const [stage, setStage] = useState<Stage>({ at: 'form' });
  // A link that has failed for good is not offered again.
  const [usable, setUsable] = useState(link);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const pair = async (secret: Secret, name: string): Promise<void> => {
    const { signal } = (stop.current = new AbortController());
    setStage({ at: 'connecting' });
    changeSettings({ name });
    const before = loadMembership();
    try {
      const membership = await pairWith(placeOf(location), {
        secret,
        name,
        kind: 'web',
        onWaiting: (desktop, fingerprint) => setStage({ at: 'waiting', desktop, fingerprint }),
        keep: keepMembership,
        forget: () => (before ? keepMembership(before) : forgetMembership()),
        signal,
      });
      onPaired(membership);
    } catch (error) {
      if (signal.aborted) return setStage({ at: 'form' });
      const code = error instanceof PairingError ? error.code : 'malformed';
      if (explain(code).again === 'new') setUsable(null);
      setStage({ at: 'failed', code });
    }
  };

  return (
    <main class="pairing" data-testid="pairing" data-stage={stage.at}>
      <header class="pairing-head">
        <img src="/icon.svg" alt="" width="56" height="56" />
        <h1>Pair this phone</h1>
        <p class="muted">with the desktop at {location.host}</p>
      </header>
      {present && stage.at === 'form' && (
        <section class="card" data-testid="pair-again">
          <p>This phone is paired with {present.name} already. Pairing again replaces that.</p>
        </section>
      )}
      <div aria-live="polite">
        {stage.at === 'connecting' && <Connecting />}
        {stage.at === 'waiting' && <Waiting {...stage} onCancel={() => stop.current?.abort()} />}
        {stage.at === 'failed' && <Failed code={stage.code} />}
        {stage.at === 'form' && isLinkBroken && <BrokenLink />}
      </div>
      {(stage.at === 'form' || stage.at === 'failed') && <Form link={usable} isAgain={stage.at === 'failed'} onPair={pair} onBack={present?.onBack} />}
      {stage.at === 'form' && !present && <Others />}
    </main>
  );
}

/** The way back, for who came here from another desktop. */
function Others() {
  const [known] = useState(loadDesktops);
  const { host } = placeOf(location);
  const others = known.filter((desktop) => desktop.host !== host);
  if (others.length === 0) return null;
  return (
    <section class="stack">
      <h2>Other desktops</h2>
      <DesktopList desktops={others} known={known} />
    </section>
  );
}

interface FormProps {
  link: Link | null;
  isAgain: boolean;
  onPair: (secret: Secret, name: string) => void;
  onBack: (() => void) | undefined;
}

function Form({ link, isAgain, onPair, onBack }: FormProps) {
  const [name, setName] = useState(() => settings().name || guessName(navigator));
  const [digits, setDigits] = useState('');
  const [complaint, setComplaint] = useState<string | null>(null);
  const codeField = useRef<HTMLInputElement>(null);

  const submit = (event: Event): void => {
    event.preventDefault();
    const called = cleanText(name) || guessName(navigator);
    if (link) return onPair({ link }, called);
    const code = parseCode(digits);
    if (code) return onPair({ code }, called);
    setComplaint('The code has eight digits, like 1234-5678.');
    codeField.current?.focus();
  };

  return (
    <form class="card" onSubmit={submit} noValidate>
      {!link && (
        <div class="field">
          <label for="code">Code shown by the desktop</label>
          <input
            id="code"
            ref={codeField}
            class="code"
            inputMode="numeric"
            autocomplete="one-time-code"
            placeholder="1234-5678"
            maxLength={9}
            value={digits}
            aria-invalid={complaint !== null}
            aria-describedby="code-hint"
            data-testid="pair-code"
            onInput={(event) => {
              setComplaint(null);
              setDigits(event.currentTarget.value);
            }}
          />
          <small id="code-hint" class={complaint ? 'complaint' : 'muted'} role={complaint ? 'alert' : undefined}>
            {complaint ?? 'Run “deskconnctl pair” at the desktop. Scanning its QR code with the camera needs no typing.'}
          </small>
        </div>
      )}
      <div class="field">
        <label for="name">What this phone is called</label>
        <input id="name" value={name} maxLength={MAX_NAME_CHARS} autocomplete="off" data-testid="pair-name" onInput={(event) => setName(event.currentTarget.value)} />
      </div>
      <button type="submit" class="button main tall" data-testid="pair-submit">{isAgain ? 'Try again' : 'Pair'}</button>
      {onBack && <button type="button" class="button plain" onClick={onBack}>Keep things as they are</button>}
    </form>
  );
}

function Connecting() {
  return (
    <section class="card centred">
      <span class="spinner" aria-hidden="true" />
      <p>Talking to the desktop…</p>
    </section>
  );
}

function Waiting({ desktop, fingerprint, onCancel }: { desktop: string; fingerprint: string; onCancel: () => void }) {
  return (
    <section class="card centred" data-testid="pair-waiting">
      <span class="spinner" aria-hidden="true" />
      <h2>Say yes at {desktop || 'the desktop'}</h2>
      <p>It asks whether this phone may come in. The same fingerprint must be shown there:</p>
      <p class="fingerprint" data-testid="pair-fingerprint">{fingerprint}</p>
      <button type="button" class="button plain" onClick={onCancel}>Cancel</button>
    </section>
  );
}

function Failed({ code }: { code: FailureCode }) {
  const { title, next } = explain(code);
  return (
    <section class="card bad" data-testid="pair-failed" data-code={code}>
      <h2><Icon name="warning" /> {title}</h2>
      <p>{next}</p>
    </section>
  );
}

function BrokenLink() {
  return (
    <section class="card bad" data-testid="pair-broken-link">
      <h2><Icon name="warning" /> This link is not whole</h2>
      <p>Scan the QR code again, or type the eight digits that stand below it.</p>
    </section>
  );
}
