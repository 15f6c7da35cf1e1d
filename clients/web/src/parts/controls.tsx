// The controls that views are made of. Each is at least 44 px high, says its name to screen readers, and is off while
// the desktop is not there.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { useDesktop } from '../desktop/context.js';
import type { Live } from '../desktop/value.js';
import { timeOfDay } from '../pure/text.js';
import { Icon, type IconName } from './icons.js';

interface ButtonProps {
  /** Its name; shown beside the icon, or spoken when `isIconOnly`. */
  label: string;
  icon?: IconName;
  isIconOnly?: boolean;
  tone?: 'plain' | 'main' | 'danger';
  class?: string;
  isOff?: boolean;
  isPressed?: boolean;
  testId?: string;
  /** Works without a desktop. */
  isLocal?: boolean;
  onTap: () => void;
}

export function Button({ label, icon, isIconOnly, tone = 'plain', isOff, isPressed, testId, isLocal, onTap, ...more }: ButtonProps) {
  const isOpen = useIsOpen();
  return (
    <button
      type="button"
      class={`button ${tone} ${isIconOnly ? 'square' : ''} ${more.class ?? ''}`}
      disabled={isOff || (!isLocal && !isOpen)}
      aria-label={isIconOnly ? label : undefined}
      title={isIconOnly ? label : undefined}
      aria-pressed={isPressed}
      data-testid={testId}
      onClick={onTap}
    >
      {icon && <Icon name={icon} />}
      {!isIconOnly && <span>{label}</span>}
    </button>
  );
}

/** A switch that shows what is, not what was tapped: it moves when the desktop says so. */
export function Toggle({ label, isOn, isOff, detail, testId, onChange }: { label: string; isOn: boolean; isOff?: boolean; detail?: string; testId?: string; onChange: (isOn: boolean) => void }) {
  const isOpen = useIsOpen();
  return (
    <button type="button" role="switch" class="toggle" aria-checked={isOn} disabled={isOff || !isOpen} data-testid={testId} onClick={() => onChange(!isOn)}>
      <span class="grow">
        {label}
        {detail && <small class="muted block">{detail}</small>}
      </span>
      <span class="knob" aria-hidden="true" />
    </button>
  );
}

/** A part of a view, with its title and how old it is. */
export function Card({ title, live, children, testId }: { title?: string; live?: Live<unknown>; children: ComponentChildren; testId?: string }) {
  const id = useId();
  const isOpen = useIsOpen();
  return (
    <section class={`card ${live && !live.isLive ? 'stale' : ''}`} aria-labelledby={title ? id : undefined} aria-busy={live && isOpen && live.value === undefined && !live.failure} data-testid={testId}>
      {(title || live) && (
        <div class="card-head">
          {title && <h2 id={id}>{title}</h2>}
          {live && <Age live={live} />}
        </div>
      )}
      {children}
    </section>
  );
}

/** How old a value is that is not live; nothing while it is. */
export function Age({ live }: { live: Live<unknown> }) {
  if (live.failure) return <span class="age">{live.failure}</span>;
  if (live.isLive) return null;
  if (live.value === undefined) return <span class="age">not known yet</span>;
  return <span class="age">as of {live.asOf ? timeOfDay(live.asOf) : 'earlier'}</span>;
}

/** A text field with its label. */
export function Field({ label, hint, children }: { label: string; hint?: string; children: (ids: { id: string; describedBy: string | undefined }) => ComponentChildren }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, describedBy: hint ? `${id}-hint` : undefined })}
      {hint && <small id={`${id}-hint`} class="muted">{hint}</small>}
    </div>
  );
}

function useIsOpen(): boolean {
  return useDesktop().isOpen;
}
