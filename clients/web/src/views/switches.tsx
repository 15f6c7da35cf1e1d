// Lines of GPIO chips: outputs as switches, inputs as they are.
import type { DeskEvent } from '@deskconn/client';
import { useAction } from '../desktop/calls.js';
import { useMay } from '../desktop/context.js';
import { type Source, useValue } from '../desktop/value.js';
import { Card, Toggle } from '../parts/controls.js';
import { useHas } from '../shell/missing.js';

interface Line {
  chip: string;
  line: number;
  name: string;
  direction: 'in' | 'out';
  /** `null` while its chip is away. */
  value: boolean | null;
}

const LINES: Source<Line[]> = {
  uri: 'org.deskconn.gpio.list',
  topic: 'org.deskconn.gpio.on_changed',
  fromEvent: ({ args: [name, value] }: DeskEvent, lines) => {
    if (!lines.some((line) => line.name === name)) return undefined;
    return withValue(lines, String(name), value === true);
  },
};

function withValue(lines: Line[], name: string, value: boolean): Line[] {
  return lines.map((line) => (line.name === name ? { ...line, value } : line));
}

export function SwitchesView() {
  const has = useHas('gpio');
  const live = useValue(LINES);
  const act = useAction();
  const may = useMay();
  const set = async (name: string, value: boolean): Promise<void> => {
    const result = await act('org.deskconn.gpio.set', [name, value]);
    if (result && live.value) live.put(withValue(live.value, name, result.args[0] === true));
  };
  if (!has) return null;
  const outputs = live.value?.filter((line) => line.direction === 'out') ?? [];
  const inputs = live.value?.filter((line) => line.direction === 'in') ?? [];
  return (
    <>
      {live.value?.length === 0 && <p class="card muted">The configuration of this desktop names no lines.</p>}
      {(live.value === undefined || outputs.length > 0) && (
        <Card title="Outputs" live={live} testId="outputs">
          {outputs.map(({ name, value }) => (
            <Toggle key={name} label={name} isOn={value === true} isOff={value === null || !may('gpio.set')} testId={`line-${name}`} onChange={(value) => set(name, value)} {...(value === null ? { detail: 'not there now' } : {})} />
          ))}
        </Card>
      )}
      {inputs.length > 0 && (
        <Card title="Inputs" live={live} testId="inputs">
          <dl class="facts">
            {inputs.map(({ name, value }) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name} class="value" data-testid={`line-${name}`}>{value === null ? 'not there now' : value ? 'on' : 'off'}</dd>])}
          </dl>
        </Card>
      )}
    </>
  );
}
