// Sleep, restart, switch off: each after a question, and only what the system lets a remote do.
import { useState } from 'preact/hooks';
import { useAction } from '../desktop/calls.js';
import { useDesktop } from '../desktop/context.js';
import { say } from '../desktop/toasts.js';
import { type Source, useValue } from '../desktop/value.js';
import { Button } from '../parts/controls.js';
import { Question } from '../parts/dialog.js';
import { type IconName } from '../parts/icons.js';
import { useHas } from '../shell/missing.js';

type Verb = 'suspend' | 'hibernate' | 'reboot' | 'poweroff';

const CAN: Source<Partial<Record<Verb, string>>> = { uri: 'org.deskconn.power.can' };

const VERBS: { verb: Verb; label: string; icon: IconName; question: string; text: string }[] = [
  { verb: 'suspend', label: 'Sleep', icon: 'sleep', question: 'Let the desktop sleep?', text: 'It is not reachable from this phone until somebody wakes it.' },
  { verb: 'hibernate', label: 'Hibernate', icon: 'hibernate', question: 'Hibernate the desktop?', text: 'It keeps its memory on the disk and switches off.' },
  { verb: 'reboot', label: 'Restart', icon: 'refresh', question: 'Restart the desktop?', text: 'What is not saved there is lost.' },
  { verb: 'poweroff', label: 'Switch off', icon: 'power', question: 'Switch the desktop off?', text: 'What is not saved there is lost, and it cannot be switched on from this phone.' },
];

export function PowerView() {
  const { info } = useDesktop();
  const has = useHas('power');
  const live = useValue(CAN);
  const act = useAction();
  const [asked, setAsked] = useState<(typeof VERBS)[number] | null>(null);
  if (!has) return null;
  const granted = VERBS.filter(({ verb }) => info?.procedures.includes(`org.deskconn.power.${verb}`));
  const doIt = async ({ verb, label }: (typeof VERBS)[number]): Promise<void> => {
    if (await act(`org.deskconn.power.${verb}`)) say('good', `${label}: the desktop does it.`);
  };
  return (
    <section class="card">
      {granted.map((it) => {
        const why = reasonAgainst(live.value?.[it.verb]);
        return (
          <div key={it.verb}>
            <Button class="wide" label={it.label} icon={it.icon} isOff={why !== null} testId={`power-${it.verb}`} onTap={() => setAsked(it)} />
            {why && <p class="muted">{why}</p>}
          </div>
        );
      })}
      {granted.length === 0 && <p class="muted">This phone may ask what the desktop could do, but not do it.</p>}
      {asked && <Question title={asked.question} text={asked.text} doIt={asked.label} onDo={() => doIt(asked)} onClose={() => setAsked(null)} />}
    </section>
  );
}

/** Why the system will not do it, by logind's word; `null` when it will, or nobody said. */
function reasonAgainst(word: string | undefined): string | null {
  if (word === 'no') return 'The system does not allow it now.';
  if (word === 'challenge') return 'The system wants a password for it, at the desktop.';
  if (word === 'na') return 'This computer cannot do it.';
  return null;
}
