// Programs that the desktop's configuration names, with their output as it comes.
import { useEffect, useRef, useState } from 'preact/hooks';
import { reasonOf, useCall } from '../desktop/calls.js';
import { useDesktop } from '../desktop/context.js';
import { type Source, useValue } from '../desktop/value.js';
import { Button, Card } from '../parts/controls.js';
import { type Chunk, append, ending, readChunk } from '../pure/output.js';
import { useHas } from '../shell/missing.js';

interface Command {
  name: string;
  title: string | null;
}

const COMMANDS: Source<Command[]> = { uri: 'org.deskconn.command.list' };

/** The desktop ends what takes too long (`timeout_s`); the phone only must not be earlier. A day is longer than any of it. */
const LONGEST_MS = 24 * 3600 * 1000;

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
      {live.value?.map(({ name, title }) => <Run key={name} name={name} title={title || name} />)}
    </>
  );
}

function Run({ name, title }: { name: string; title: string }) {
  const call = useCall();
  const [chunks, setChunks] = useState<Chunk[]>([]);
  const [end, setEnd] = useState<{ text: string; isBad: boolean } | null>(null);
  const [stop, setStop] = useState<AbortController | null>(null);
  // Leaving the screen does not stop what runs on the desktop; leaving the page does, since the call ends with it.
  const run = async (): Promise<void> => {
    const controller = new AbortController();
    setStop(controller);
    setChunks([]);
    setEnd(null);
    const onProgress = (args: unknown[]): void => {
      const chunk = readChunk(args[0]);
      if (chunk) setChunks((before) => append(before, chunk));
    };
    try {
      const { args } = await call('org.deskconn.command.run', [name], { onProgress, signal: controller.signal, timeoutMs: LONGEST_MS });
      const isBad = (args[0] as { exit?: unknown } | null)?.exit !== 0;
      setEnd({ text: ending(args[0]), isBad });
    } catch (error) {
      setEnd({ text: controller.signal.aborted ? 'Stopped' : reasonOf(error), isBad: true });
    }
    setStop(null);
  };
  return (
    <Card title={title} testId={`command-${name}`}>
      <div class="buttons">
        <Button label={stop ? 'Running…' : 'Run'} icon="start" tone="main" isOff={stop !== null} testId={`run-${name}`} onTap={run} />
        {stop && <Button label="Stop" icon="end" testId={`stop-${name}`} onTap={() => stop.abort()} />}
      </div>
      {(chunks.length > 0 || end) && <Output chunks={chunks} label={`Output of ${title}`} />}
      <p role="status" class={end?.isBad ? 'complaint' : 'muted'} data-testid={`end-${name}`}>{end?.text}</p>
    </Card>
  );
}

/** Scrolls with what comes, unless somebody has scrolled up to read. */
function Output({ chunks, label }: { chunks: Chunk[]; label: string }) {
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
