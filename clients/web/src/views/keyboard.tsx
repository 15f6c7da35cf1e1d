// The keyboard: a field whose text is typed at the desktop, and the keys that a text does not have.
import { useId, useState } from 'preact/hooks';
import { useAction } from '../desktop/calls.js';
import { useDesktop, useMay } from '../desktop/context.js';
import { Button, Card } from '../parts/controls.js';
import type { IconName } from '../parts/icons.js';
import { MODIFIERS, type Modifier, chord, pieces } from '../pure/keys.js';

const MODIFIER_NAMES: Record<Modifier, string> = { ctrl: 'Ctrl', shift: 'Shift', alt: 'Alt', super: 'Super' };
const KEYS: [key: string, label: string, icon?: IconName][] = [
  ['escape', 'Esc'], ['tab', 'Tab'], ['backspace', 'Back'], ['enter', 'Enter'],
  ['left', 'Left', 'previous'], ['up', 'Up', 'up'], ['down', 'Down', 'down'], ['right', 'Right', 'next'],
];

export function Keyboard() {
  const act = useAction();
  const { isOpen } = useDesktop();
  const may = useMay();
  const id = useId();
  const [text, setText] = useState('');
  const [typing, setTyping] = useState<AbortController | null>(null);
  const [held, setHeld] = useState<ReadonlySet<Modifier>>(new Set());

  const type = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (text === '') return press('enter');
    const stop = new AbortController();
    setTyping(stop);
    let left = text;
    for (const piece of pieces(text)) {
      if (!(await act('org.deskconn.keyboard.type', [piece], { signal: stop.signal }))) break;
      left = left.slice(piece.length);
    }
    // What was not typed stays, to be sent again.
    setText(left);
    setTyping(null);
  };
  const press = (key: string): void => {
    void act('org.deskconn.keyboard.press', [chord(held, key)]);
    setHeld(new Set());
  };
  const hold = (modifier: Modifier): void => {
    const next = new Set(held);
    if (!next.delete(modifier)) next.add(modifier);
    setHeld(next);
  };
  // With a modifier the next letter is a key, not a text: Ctrl and then C.
  const input = (value: string): void => {
    const added = [...value.slice(text.length)];
    if (held.size > 0 && value.startsWith(text) && added.length === 1) press(added[0]!.toLowerCase());
    else setText(value);
  };
  return (
    <Card title="Keyboard" testId="keyboard">
      <form class="inline" onSubmit={type}>
        <label class="hidden" for={id}>Text to type at the desktop</label>
        <input id={id} value={text} placeholder="Text to type" autocomplete="off" autocapitalize="off" enterkeyhint="send" disabled={typing !== null} data-testid="keyboard-text" onInput={(event) => input(event.currentTarget.value)} />
        {typing
          ? <Button label="Stop" testId="keyboard-stop" onTap={() => typing.abort()} />
          : <button type="submit" class="button main" disabled={!isOpen || !may('keyboard.type')} data-testid="keyboard-type">Type</button>}
      </form>
      <div class="keys" role="group" aria-label="Modifiers for the next key">
        {MODIFIERS.map((modifier) => (
          <Button key={modifier} label={MODIFIER_NAMES[modifier]} isPressed={held.has(modifier)} testId={`hold-${modifier}`} onTap={() => hold(modifier)} />
        ))}
      </div>
      <div class="keys" role="group" aria-label="Keys">
        {KEYS.map(([key, label, icon]) => (
          <Button key={key} label={label} {...(icon ? { icon, isIconOnly: true } : {})} isOff={!may('keyboard.press')} testId={`key-${key}`} onTap={() => press(key)} />
        ))}
      </div>
    </Card>
  );
}
