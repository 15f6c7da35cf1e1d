// The output of a command as it comes, bounded: what a person looks at is its end.

/** More than fits on a phone, and what it holds without getting slow. */
export const MAX_OUTPUT_CHARS = 60_000;

export interface Chunk {
  stream: 'stdout' | 'stderr';
  text: string;
}

/** The output with more behind it; its beginning is dropped at a line when it gets too long. */
export function append(chunks: readonly Chunk[], chunk: Chunk, most = MAX_OUTPUT_CHARS): Chunk[] {
  const last = chunks.at(-1);
  const next = last?.stream === chunk.stream
    ? [...chunks.slice(0, -1), { stream: chunk.stream, text: last.text + chunk.text }]
    : [...chunks, chunk];
  let over = next.reduce((sum, { text }) => sum + text.length, 0) - most;
  while (over > 0 && next.length > 0) {
    const first = next[0]!;
    if (first.text.length <= over) {
      over -= first.text.length;
      next.shift();
      continue;
    }
    const line = first.text.indexOf('\n', over);
    next[0] = { ...first, text: first.text.slice(line < 0 ? over : line + 1) };
    over = 0;
  }
  return next;
}

/** A piece of output in a progressive result; `null` when it is something else. */
export function readChunk(value: unknown): Chunk | null {
  const { stream, text } = (value ?? {}) as { stream?: unknown; text?: unknown };
  return (stream === 'stdout' || stream === 'stderr') && typeof text === 'string' ? { stream, text } : null;
}

/** How a command ended, in words. */
export function ending(value: unknown): string {
  const { exit, signal, truncated } = (value ?? {}) as { exit?: unknown; signal?: unknown; truncated?: unknown };
  const how = typeof exit === 'number' ? (exit === 0 ? 'Done' : `Ended with status ${exit}`) : `Ended by signal ${String(signal)}`;
  return truncated === true ? `${how}; some output was too long and is lost` : how;
}
