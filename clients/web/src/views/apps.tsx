// What programs of others offer at this desktop, drawn from their descriptions alone.
import { useEffect, useState } from 'preact/hooks';
import { useAction } from '../desktop/calls.js';
import { useDesktop } from '../desktop/context.js';
import { say } from '../desktop/toasts.js';
import { type Told, useTopic } from '../desktop/value.js';
import { Button, Card, Field, Toggle } from '../parts/controls.js';
import { isIcon } from '../parts/icons.js';
import { Slider } from '../parts/slider.js';
import { type Item, groupsOf, inWords } from '../pure/described.js';
import { pictureOf } from '../pure/picture.js';
import { timeOfDay } from '../pure/text.js';

export function AppsView() {
  const { info } = useDesktop();
  const groups = groupsOf(info?.described);
  return (
    <>
      {groups.map(({ title, items }) => (
        <Card key={title} title={title} testId={`group-${title}`}>
          {items.map((item) => <Drawn key={`${item.by} ${item.kind} ${item.uri}`} item={item} />)}
        </Card>
      ))}
    </>
  );
}

function Drawn({ item }: { item: Item }) {
  const told = useTopic(item.topic);
  const act = useAction();
  const send = async (args: unknown[]): Promise<unknown> => {
    const result = await act(item.uri, args);
    return result ? (result.args[0] ?? null) : undefined;
  };
  switch (item.kind) {
    case 'button': return <Tap item={item} send={send} />;
    case 'toggle': return <Switch item={item} told={told} send={send} />;
    case 'slider': return <Slide item={item} told={told} send={send} />;
    case 'text': return <Write item={item} told={told} send={send} />;
    case 'value': return <Value item={item} told={told} />;
    case 'unknown': return <p class="muted">{item.title}: this version of the app cannot show it.</p>;
  }
}

/** Gives the first result, or `undefined` when it failed. */
type Send = (args: unknown[]) => Promise<unknown>;

function Tap({ item, send }: { item: Item; send: Send }) {
  const [picture, setPicture] = useState<string | null>(null);
  useEffect(() => () => void (picture && URL.revokeObjectURL(picture)), [picture]);
  const tap = async (): Promise<void> => {
    const result = await send([]);
    if (result === undefined) return;
    const shown = pictureOf(result);
    if (shown) setPicture(URL.createObjectURL(new Blob([shown.bytes], { type: shown.type })));
    else say('good', result === null ? `${item.title}: done.` : `${item.title}: ${inWords(result)}`);
  };
  const icon = isIcon(item.icon) ? { icon: item.icon } : {};
  return (
    <>
      <Button class="wide" label={item.title} {...icon} testId={`item-${item.uri}`} onTap={tap} />
      {picture && <img class="picture" src={picture} alt={item.title} />}
    </>
  );
}

function Switch({ item, told, send }: { item: Item; told: Told; send: Send }) {
  const set = async (isOn: boolean): Promise<void> => {
    const result = await send([isOn]);
    if (typeof result === 'boolean') told.put(result);
  };
  if (typeof told.value === 'boolean') {
    return <Toggle label={item.title} isOn={told.value} testId={`item-${item.uri}`} onChange={set} {...detailOf(told)} />;
  }
  // Nobody says how it is, so there is nothing to turn round.
  return (
    <div class="between" role="group" aria-label={item.title}>
      <span><b>{item.title}</b></span>
      <span class="buttons">
        <Button label="On" testId={`item-${item.uri}-on`} onTap={() => set(true)} />
        <Button label="Off" testId={`item-${item.uri}-off`} onTap={() => set(false)} />
      </span>
    </div>
  );
}

function Slide({ item, told, send }: { item: Item & { kind: 'slider' }; told: Told; send: Send }) {
  const [last, setLast] = useState(item.min);
  const set = async (value: number): Promise<void> => {
    setLast(value);
    const result = await send([value]);
    if (typeof result === 'number') told.put(result);
  };
  const value = typeof told.value === 'number' ? told.value : last;
  return (
    <div class={told.isLive || told.value === undefined ? '' : 'stale'}>
      <Slider label={item.title} value={value} min={item.min} max={item.max} step={item.step} unit="" testId={`item-${item.uri}`} onSend={set} />
      {told.value === undefined && <small class="muted">Nobody tells how it is now.</small>}
      <Detail told={told} />
    </div>
  );
}

function Write({ item, told, send }: { item: Item; told: Told; send: Send }) {
  const { isOpen } = useDesktop();
  const [text, setText] = useState('');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if ((await send([text])) !== undefined) setText((now) => (now === text ? '' : now));
  };
  return (
    <form onSubmit={submit}>
      <Field label={item.title} {...(told.value === undefined ? {} : { hint: `now: ${inWords(told.value)}` })}>
        {({ id, describedBy }) => (
          <span class="inline">
            <input id={id} value={text} aria-describedby={describedBy} data-testid={`item-${item.uri}`} onInput={(event) => setText(event.currentTarget.value)} />
            <button type="submit" class="button" disabled={!isOpen}>Send</button>
          </span>
        )}
      </Field>
    </form>
  );
}

function Value({ item, told }: { item: Item; told: Told }) {
  return (
    <div class={told.isLive ? '' : 'stale'}>
      <p class="between">
        <span>{item.title}</span>
        <span class="value strong" data-testid={`item-${item.uri}`}>{told.value === undefined ? 'not told yet' : inWords(told.value)}</span>
      </p>
      <Detail told={told} />
    </div>
  );
}

function Detail({ told }: { told: Told }) {
  const { detail } = detailOf(told);
  return detail ? <small class="age block">{detail}</small> : null;
}

/** An event that was kept is as old as it is, and may be news of yesterday. */
const OLD_MS = 60_000;

function detailOf({ value, isLive, at, failure }: Told): { detail?: string } {
  if (failure) return { detail: failure };
  if (value === undefined || at === null) return {};
  if (isLive && Date.now() - at.getTime() < OLD_MS) return {};
  return { detail: `as of ${timeOfDay(at)}` };
}
