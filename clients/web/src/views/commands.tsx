// Programs that the desktop's configuration names, with their output as it comes.
import { useEffect, useRef } from 'preact/hooks';
import { useCall } from '../desktop/calls.js';
import { useDesktop } from '../desktop/context.js';
import { start, useRun } from '../desktop/runs.js';
import { type Source, useValue } from '../desktop/value.js';
import { Button, Card } from '../parts/controls.js';
import type { Chunk } from '../pure/output.js';
import { useHas } from '../shell/missing.js';

interface Command {
  name: string;
  title: string | null;
}

const COMMANDS: Source<Command[]> = { uri: 'org.deskconn.command.list' };

export function CommandsView() {
  const has = useHas('command');
  const { info } = useDesktop();
  const live = useValue(COMMANDS);
  if (!has) return null;
  if (!info?.procedures.includes(COMMANDS.uri)) {
    return <p class="card muted">This phone may run commands, but not ask for their list. A grant for “{COMMANDS.uri}” shows them here.</p>;
  }
  return (
    <>
      {live.value?.length === 0 && <p class="card muted">The configuration of this desktop names no commands.</p>}
      {live.value?.map(({ name, title }) => <Program key={name} name={name} title={title || name} />)}
    </>
  );
}

function Program({ name, title }: { name: string; title: string }) {
  const call = useCall();
  const run = useRun(name);
  const isRunning = run !== null && run.end === null;
  return (
    <Card title={title} testId={`command-${name}`}>
      <div class="buttons">
        <Button label={isRunning ? 'Running…' : 'Run'} icon="start" tone="main" isOff={isRunning} testId={`run-${name}`} onTap={() => start(name, call)} />
        {isRunning && <Button label="Stop" icon="end" testId={`stop-${name}`} onTap={() => run.stop()} />}
      </div>
      {run && run.chunks.length > 0 && <Output chunks={run.chunks} label={`Output of ${title}`} />}
      <p role="status" class={run?.end?.isBad ? 'complaint' : 'muted'} data-testid={`end-${name}`}>{run?.end?.text}</p>
    </Card>
  );
}

/** Scrolls with what comes, unless somebody has scrolled up to read. */
function Output({ chunks, label }: { chunks: readonly Chunk[]; label: string }) {
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (box.current && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [chunks]);
  const look = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = box.current!;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 8;
  };
  return (
    <pre ref={box} class="output" tabIndex={0} role="region" aria-label={label} onScroll={look}>
      {chunks.map(({ stream, text }, index) => <span key={index} class={stream}>{text}</span>)}
    </pre>
  );
}
