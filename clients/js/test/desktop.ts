// The desktop of package `pairing` as a process (pairing/examples/desktop.rs), spoken to in lines.
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Progress } from '../src/pairing.js';
import { Joiner } from '../src/pairing.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
let program: string | undefined;

/** Builds the desktop, once. */
function build(): string {
  if (program) return program;
  const json = execFileSync(
    'cargo',
    ['build', '--locked', '--quiet', '--package', 'deskconn-pairing', '--example', 'desktop', '--message-format', 'json'],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26, timeout: 600_000 },
  );
  const artifact = json.split('\n').filter(Boolean).map((line) => JSON.parse(line)).find((it) => it.executable && it.target.name === 'desktop');
  if (!artifact) throw new Error('cargo built no desktop');
  return (program = artifact.executable as string);
}

export interface Ready { code: string; link: string; did: string; sign: string; noise: string; spki: string }

export class Desktop {
  private constructor(private readonly process: ChildProcessByStdio<Writable, Readable, null>, private readonly lines: AsyncIterator<string>, readonly ready: Ready) {}

  /** A desktop with an open window. */
  static async start(seed: number): Promise<Desktop> {
    const process = spawn(build(), [String(seed)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
    const [, code, link, did, sign, noise, spki] = (await lines.next()).value!.split(' ');
    const desktop = new Desktop(process, lines, { code: code!.replace('-', ''), link: link!, did: did!, sign: sign!, noise: noise!, spki: spki! });
    await desktop.ask('open');
    return desktop;
  }

  /** One line there, one line back, in its words. */
  async ask(line: string): Promise<string[]> {
    this.process.stdin.write(line + '\n');
    const answer = await this.lines.next();
    if (answer.done) throw new Error(`the desktop ended at ${line}`);
    return answer.value.split(' ');
  }

  stop(): void {
    this.process.stdin.end();
  }
}

export interface End { stored?: string[]; joined?: Progress & { step: 'paired' }; why?: string; failure?: string; asked?: string; shown?: string }

/** Carries the frames of an exchange, in which `change` may touch each; the owner says `answer`. */
export async function run(
  desktop: Desktop,
  joiner: Joiner,
  { channel = 'tls', answer = 'allow', change = (_: number, frame: Uint8Array) => frame } = {},
): Promise<End> {
  const end: End = {};
  let number = 0;
  let [word, ...rest] = await desktop.ask(`connect ${channel}`);
  for (;;) {
    if (word === 'end') {
      end.why = rest[0]!;
      const last = joiner.receive(hexToBytes(rest[1]!));
      if (last.step === 'failed') end.failure = last.error.code;
      return end;
    }
    if (word === 'store') return { ...end, stored: rest };
    if (word === 'ask') end.asked = rest.shift()!;
    const progress = joiner.receive(change(number++, hexToBytes(rest[0]!)));
    if (progress.step === 'waiting') {
      end.shown = progress.fingerprint;
      [word, ...rest] = await desktop.ask(answer);
      continue;
    }
    if (progress.step === 'failed') {
      end.failure = progress.error.code;
      end.why = progress.frame ? (await desktop.ask(`frame ${bytesToHex(progress.frame)}`))[1]! : 'told';
      return end;
    }
    if (progress.step === 'paired') end.joined = progress;
    [word, ...rest] = await desktop.ask(`frame ${bytesToHex(change(number++, progress.frame))}`);
  }
}
