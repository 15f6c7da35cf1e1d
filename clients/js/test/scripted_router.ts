// A router inside Noise that keeps sessions as docs/RESUMPTION.md says, and whose connections are cut wherever a test wants
// it: a session's messages are counted and kept as on the device's side, but by other code.
import { bytesToHex } from '@noble/hashes/utils.js';
import { Identity } from '../src/identity.js';
import type { Membership } from '../src/membership.js';
import { DESKTOP, DEVICE_SECRET, type Guest, serve } from './noise_server.js';

type Message = any[];

/** Where the connection is cut: at which message of which way, and whether that message has still gone through. */
export interface Cut {
  way: 'up' | 'down';
  at: number;
  through: boolean;
}

export interface Script {
  /** Seconds in which a session can be resumed; 0 where none can. */
  withinS?: number;
  cuts?: Cut[];
  /** What is done about a message of a session, before RECEIVED and the like; a router of its own otherwise. */
  onMessage?: (session: Kept, message: Message) => void;
  /** What becomes of the details of a WELCOME. */
  changeWelcome?: (details: Record<string, unknown>, hello: Record<string, unknown>) => void;
  /** Says no to a login. */
  refuse?: (details: Record<string, unknown>) => [Record<string, unknown>, string] | null;
  /** Tells by RECEIVED at once what has arrived. */
  acknowledges?: boolean;
}

/** A session at the router. */
export class Kept {
  guest: Guest | null = null;
  received = 0;
  /** All that was ever sent, of which so many arrived. */
  readonly sent: string[] = [];
  arrived = 0;
  /** The messages that arrived, in their order. */
  readonly seen: Message[] = [];
  constructor(readonly router: ScriptedRouter, readonly id: number, readonly token: string) {}

  send(message: Message): void {
    const text = JSON.stringify(message);
    this.sent.push(text);
    this.router.carry(this, text);
  }
}

/** Messages that open and close sessions, and RECEIVED. */
const UNCOUNTED = [1, 2, 3, 4, 5, 6, 1001];
const INFO = { name: 'scripted', id: 'x', version: '0', role: 'remote', procedures: [], topics: [] };

export class ScriptedRouter {
  readonly sessions: Kept[] = [];
  /** What devices said of what arrived at them. */
  readonly acknowledged: number[] = [];
  readonly hellos: Record<string, unknown>[] = [];
  /** Messages that went by, by way, over all connections and sessions. */
  readonly count = { up: 0, down: 0 };
  readonly url: string;
  /** What it says of itself. */
  info = INFO;
  #stop!: () => Promise<void>;
  #isListening = true;
  #awaited: { kind: number; resolve: (message: Message) => void }[] = [];

  private constructor(readonly script: Script, server: { url: string; stop: () => Promise<void> }) {
    this.url = server.url;
    this.#stop = server.stop;
  }

  static async start(script: Script = {}): Promise<ScriptedRouter> {
    let router: ScriptedRouter;
    const server = await serve({ onGuest: (guest) => router.#isListening ? void router.#welcome(guest) : guest.socket.terminate() });
    router = new ScriptedRouter(script, server);
    return router;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** A device that this router knows. */
  membership(): Membership {
    const identity = Identity.generate();
    const joined = {
      did: bytesToHex(DESKTOP.did), name: 'scripted', keys: { sign: '', noise: bytesToHex(DESKTOP.noise) }, hosts: ['127.0.0.1'], port: this.port,
      path: '/ws', realm: 'deskconn', device_id: 'device', role: 'remote',
    };
    return { joined, keys: { sign: bytesToHex(identity.signSeed), noise: bytesToHex(DEVICE_SECRET) }, pairedAt: '2026-01-01T00:00:00Z' };
  }

  /** The next message of a kind that arrives over any connection. */
  heard(kind: number): Promise<Message> {
    return new Promise((resolve) => this.#awaited.push({ kind, resolve }));
  }

  /** Whether it answers at all. */
  listen(isListening: boolean): void {
    this.#isListening = isListening;
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  /** The cut at this message, if there is one. */
  #cutAt(way: 'up' | 'down'): Cut | undefined {
    const at = this.count[way]++;
    return this.script.cuts?.find((cut) => cut.way === way && cut.at === at);
  }

  /** Sends a message over the session's connection, if it has one. */
  carry(session: Kept, text: string): void {
    const { guest } = session;
    if (!guest) return;
    const cut = this.#cutAt('down');
    if (!cut || cut.through) guest.send(new TextEncoder().encode(text));
    if (cut) this.#drop(session);
  }

  #drop(session: Kept): void {
    const { guest } = session;
    session.guest = null;
    // What was sent is on its way; it comes before the end.
    guest?.socket.close();
  }

  async #welcome(guest: Guest): Promise<void> {
    const read = async (): Promise<Message> => JSON.parse(new TextDecoder().decode(await guest.next()));
    const say = (message: Message): void => guest.send(new TextEncoder().encode(JSON.stringify(message)));
    const [, , details] = await read();
    this.hellos.push(details);
    say([4, 'cryptosign', { challenge: '00'.repeat(32) }]);
    const [kind, signature] = await read();
    if (kind !== 5 || !/^[0-9a-f]{192}$/.test(signature)) throw new Error('the challenge is not answered');
    const no = this.script.refuse?.(details);
    if (no) return say([3, ...no]);
    const session = this.#sessionOf(details, guest, say);
    while (session.guest === guest) this.#take(session, guest, await read());
  }

  #tell(message: Message): void {
    const isMeant = ({ kind }: { kind: number }): boolean => kind === message[0];
    const meant = this.#awaited.filter(isMeant);
    this.#awaited = this.#awaited.filter((it) => !isMeant(it));
    // When all is done about it.
    queueMicrotask(() => meant.forEach(({ resolve }) => resolve(message)));
  }

  #sessionOf(details: Record<string, unknown>, guest: Guest, say: (message: Message) => void): Kept {
    const { withinS = 120, changeWelcome } = this.script;
    const earlier = this.sessions.find(({ id, token }) => id === details['resume-session'] && token === details['resume-token']);
    const session = earlier ?? new Kept(this, 1000 + this.sessions.length, bytesToHex(crypto.getRandomValues(new Uint8Array(32))));
    const feature = { features: { call_canceling: true } };
    const grant = withinS > 0 ? { resumable: true, resume_token: session.token, _resume_within: withinS } : {};
    const back = earlier ? { resumed: true, _received: session.received } : 'resume-session' in details ? { resumed: false, _resume_refused: 'it is over' } : {};
    const welcome = { roles: { broker: feature, dealer: feature }, ...grant, ...back };
    changeWelcome?.(welcome, details);
    if (!earlier) this.sessions.push(session);
    session.guest?.socket.terminate();
    session.guest = guest;
    guest.socket.on('close', () => session.guest === guest && (session.guest = null));
    say([2, session.id, welcome]);
    if (!earlier) return session;
    const received = details['_received'] as number;
    if (received < session.arrived || received > session.sent.length) throw new Error(`${received} cannot have arrived`);
    session.arrived = received;
    for (const text of session.sent.slice(received)) this.carry(session, text);
    return session;
  }

  #take(session: Kept, guest: Guest, message: Message): void {
    const isCounted = !UNCOUNTED.includes(message[0]);
    const cut = isCounted ? this.#cutAt('up') : undefined;
    if (cut && !cut.through) return this.#drop(session);
    if (message[0] === 1001) {
      this.acknowledged.push(message[1]);
      if (message[1] < session.arrived || message[1] > session.sent.length) throw new Error(`${message[1]} cannot have arrived`);
      session.arrived = message[1];
    }
    if (message[0] === 6 || message[0] === 3) {
      this.sessions.splice(this.sessions.indexOf(session), 1);
    }
    this.#tell(message);
    if (!isCounted) return;
    session.received += 1;
    session.seen.push(message);
    if (cut) this.#drop(session);
    answer(session, message, this.script);
    const { acknowledges = true, withinS } = this.script;
    if (acknowledges && withinS !== 0 && session.guest === guest) guest.send(new TextEncoder().encode(JSON.stringify([1001, session.received])));
  }
}

/** What a router of one client does. */
function answer(session: Kept, message: Message, { onMessage }: Script): void {
  const [kind, request, , uri, args] = message;
  if (kind === 48 && uri === 'org.deskconn.info.get') return session.send([50, request, {}, [session.router.info]]);
  if (onMessage) return onMessage(session, message);
  if (kind === 48) session.send([50, request, {}, args ?? []]);
  if (kind === 32) session.send([33, request, 7]);
  if (kind === 64) session.send([65, request, 8]);
  if (kind === 16) session.send([17, request, 9]);
}
