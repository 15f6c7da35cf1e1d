// How the computer is: its battery, memory, disks and temperatures.
import { type Source, useValue } from '../desktop/value.js';
import { Card } from '../parts/controls.js';
import { Meter } from '../parts/meter.js';
import { bytes, span } from '../pure/text.js';
import { useHas } from '../shell/missing.js';

interface Battery {
  percent: number;
  state: string;
  time_to_empty_s?: number | null;
  time_to_full_s?: number | null;
}

interface Report {
  name: string | null;
  os: string | null;
  kernel: string | null;
  uptime_s: number | null;
  load: number[] | null;
  memory: { total: number; available: number } | null;
  disks: { mount: string; total: number; free: number }[] | null;
  temperatures: { name: string; celsius: number }[] | null;
}

const BATTERY: Source<Battery | null> = { uri: 'org.deskconn.battery.get', topic: 'org.deskconn.battery.on_changed' };
const REPORT: Source<Report> = { uri: 'org.deskconn.host.get', topic: 'org.deskconn.host.on_report' };

export function HostView() {
  const [hasBattery, hasHost] = [useHas('battery'), useHas('host')];
  return (
    <>
      {hasBattery && <BatteryCard />}
      {hasHost && <ReportCards />}
    </>
  );
}

const STATES: Record<string, string> = { charging: 'charging', discharging: 'in use', empty: 'empty', full: 'full', idle: 'neither charging nor in use' };

function BatteryCard() {
  const live = useValue(BATTERY);
  const { value } = live;
  if (value === null) return null;
  const left = value?.state === 'charging' ? value.time_to_full_s : value?.time_to_empty_s;
  return (
    <Card title="Battery" live={live} testId="battery">
      {value && (
        <>
          <p class="value" data-testid="battery-state">{value.percent} %{STATES[value.state] ? `, ${STATES[value.state]}` : ''}</p>
          <Meter share={value.percent / 100} />
          {typeof left === 'number' && <p class="muted">{span(left)} until it is {value.state === 'charging' ? 'full' : 'empty'}</p>}
        </>
      )}
    </Card>
  );
}

function ReportCards() {
  const live = useValue(REPORT);
  const { value } = live;
  if (!value) return <Card title="Computer" live={live}>{null}</Card>;
  const { name, os, kernel, uptime_s: uptime, load, memory, disks, temperatures } = value;
  const facts: [string, string | null][] = [
    ['Name', name], ['System', os], ['Kernel', kernel],
    ['Running for', uptime === null ? null : span(uptime)],
    ['Load (1, 5, 15 min)', load && load.map((it) => it.toFixed(2)).join('  ')],
  ];
  return (
    <>
      <Card title="Computer" live={live} testId="host">
        <dl class="facts">
          {facts.map(([what, it]) => it && [<dt key={what}>{what}</dt>, <dd key={`${what}-is`} class="value">{it}</dd>])}
        </dl>
      </Card>
      {(memory || disks?.length) && (
        <Card title="Space" live={live} testId="space">
          {memory && <Space what="Memory" used={memory.total - memory.available} total={memory.total} />}
          {disks?.map(({ mount, total, free }) => <Space key={mount} what={mount} used={total - free} total={total} />)}
        </Card>
      )}
      {temperatures && temperatures.length > 0 && (
        <Card title="Temperatures" live={live}>
          <dl class="facts">
            {temperatures.map(({ name, celsius }, index) => [<dt key={`${index}-name`}>{name}</dt>, <dd key={index} class="value">{Math.round(celsius)} °C</dd>])}
          </dl>
        </Card>
      )}
    </>
  );
}

function Space({ what, used, total }: { what: string; used: number; total: number }) {
  return (
    <div>
      <p class="between"><span>{what}</span><span class="value">{bytes(used)} of {bytes(total)}</span></p>
      <Meter share={total > 0 ? used / total : 0} />
    </div>
  );
}
