// A real deskconnd in a home of its own, its owner by deskconnctl, and somebody in between.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What stands in `pairing.on_asked`. */
export interface Question {
  request: number;
  name: string;
  kind: string;
  fingerprint: string;
  role: string;
}

/** The programs; `null` where none were built for this run. */
export const BINARIES: string | null = process.env['DESKCONN_BINDIR'] ?? null;

export class Daemon {
  private constructor(
    readonly home: string,
    readonly port: number,
    private child: ChildProcess,
    private readonly more: string,
  ) {}

  /** With more in its configuration. */
  static async start(more = ''): Promise<Daemon> {
    const home = mkdtempSync(join(tmpdir(), 'deskconn-js-'));
    const [child, port] = await Daemon.run(home, 0, more);
    return new Daemon(home, port, child, more);
  }

  private static async run(home: string, wanted: number, more: string): Promise<[ChildProcess, number]> {
    const listen = `[listen]\ntcp = ["127.0.0.1:${wanted}"]\nunix = "${home}/deskconn.sock"\n`;
    writeFileSync(join(home, 'config.toml'), `${listen}[discovery]\nenabled = false\n${more}`);
    const nowhere = 'unix:path=/nowhere';
    const env = {
      ...process.env,
      HOME: home,
      // As root it would use the machine's own directories otherwise.
      STATE_DIRECTORY: join(home, 'state'),
      RUNTIME_DIRECTORY: join(home, 'run'),
      DBUS_SESSION_BUS_ADDRESS: nowhere,
      DBUS_SYSTEM_BUS_ADDRESS: nowhere,
    };
    const child = spawn(join(BINARIES!, 'deskconnd'), ['--config', join(home, 'config.toml')], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const lines = createInterface({ input: child.stderr! });
    const port = await new Promise<number>((resolve, reject) => {
      let found = 0;
      const said: string[] = [];
      lines.on('line', (line) => {
        said.push(line);
        found = Number(/address=\S*:(\d+)/.exec(line)?.[1] ?? found);
        // It listens on its socket last.
        if (line.includes('socket=')) resolve(found);
      });
      child.once('exit', () => reject(new Error(`the daemon ended: ${said.join('\n')}`)));
    });
    return [child, port];
  }

  /** Ends the daemon as a power cut does. */
  async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Starts it again, at its place. */
  async again(): Promise<void> {
    [this.child] = await Daemon.run(this.home, this.port, this.more);
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  private args(words: string[]): string[] {
    return ['--at', `unix:${this.home}/deskconn.sock`, '--json', ...words];
  }

  /** A call of the owner's. */
  async call<T>(procedure: string, ...args: string[]): Promise<T> {
    const { stdout } = await run(join(BINARIES!, 'deskconnctl'), this.args(['call', procedure, ...args]));
    return (JSON.parse(stdout) as { args: [T] }).args[0];
  }

  /** Opens a window, and answers the first question that comes; more words are those of `pairing.open`. */
  async window(allow: boolean, ...words: string[]): Promise<{ code: string; link: string; question: Promise<Question> }> {
    const asked = spawn(join(BINARIES!, 'deskconnctl'), this.args(['subscribe', 'org.deskconn.pairing.on_asked', '--count', '1']), { stdio: ['ignore', 'pipe', 'pipe'] });
    // It says on standard error when it listens.
    await once(createInterface({ input: asked.stderr! }), 'line');
    const opened = await this.call<{ code: string; link: string }>('org.deskconn.pairing.open', ...words);
    const question = once(createInterface({ input: asked.stdout! }), 'line').then(async ([line]) => {
      const event = JSON.parse(line as string) as { args: [Question] };
      await this.call('org.deskconn.pairing.answer', String(event.args[0].request), String(allow));
      return event.args[0];
    });
    return { ...opened, question };
  }

  close(): Promise<unknown> {
    return this.call('org.deskconn.pairing.close');
  }

  async devices(): Promise<{ id: string; kind: string }[]> {
    return this.call('org.deskconn.devices.list');
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
    rmSync(this.home, { recursive: true });
  }
}

/** What somebody in between does with the bytes of each direction. */
export interface Meddling {
  /** Bytes from the device; the number counts chunks from 0. */
  up?: (bytes: Buffer, chunk: number) => Buffer | null;
  /** Bytes from the desktop. `null` ends the connection. */
  down?: (bytes: Buffer, chunk: number) => Buffer | null;
}

/** A man in the middle in front of a port. Remembers all that he saw. */
export class Middle {
  readonly seen: Buffer[] = [];
  private constructor(
    readonly port: number,
    private readonly server: ReturnType<typeof createServer>,
    private readonly sockets: Set<Socket>,
  ) {}

  static async before(port: number, meddling: Meddling = {}): Promise<Middle> {
    const sockets = new Set<Socket>();
    let middle: Middle;
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      const carry = (from: Socket, to: Socket, change?: (bytes: Buffer, chunk: number) => Buffer | null): void => {
        let chunk = 0;
        sockets.add(from);
        from.on('data', (bytes: Buffer) => {
          middle.seen.push(bytes);
          const changed = change ? change(bytes, chunk++) : bytes;
          if (changed) to.write(changed);
          else [near, far].forEach((socket) => socket.destroy());
        });
        from.on('end', () => to.end());
        from.on('error', () => to.destroy());
        from.on('close', () => (sockets.delete(from), to.destroy()));
      };
      carry(near, far, meddling.up);
      carry(far, near, meddling.down);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    middle = new Middle((server.address() as AddressInfo).port, server, sockets);
    return middle;
  }

  /** Whether a text went by in clear. */
  saw(text: string): boolean {
    return Buffer.concat(this.seen).includes(text);
  }

  /** Ends the connections that there are. */
  cut(): void {
    this.sockets.forEach((socket) => socket.destroy());
  }

  stop(): void {
    this.cut();
    this.server.close();
  }
}
