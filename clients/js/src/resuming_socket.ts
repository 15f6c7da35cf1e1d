// A WebSocket for a WAMP library whose session survives the connections below: it logs in on each, counts and keeps messages
// (`resumption.ts`), and goes on over the next connection that it is given. Who connects again, and when, is not decided here.
// It speaks JSON alone, which is all that wampy offers over it. It takes out what `revocation.ts` reads.
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { isDict } from './failure.js';
import type { NoiseSocket } from './noise_socket.js';
import { PUBLISH, published } from './publishing.js';
import { ABORT, AUTHENTICATE, CHALLENGE, GOODBYE, type Granted, HELLO, Inbound, Outbound, RECEIVED, WELCOME, counts, granted, isCount, kindOf } from './resumption.js';
import { type Revocation, UNREGISTERED, UNSUBSCRIBED, announced, revocationOf } from './revocation.js';

/**
 * How long what arrived may be left unsaid, after the last message. It is said with the next message that goes out, which
 * is nearly always earlier: whoever looks asks the desktop every ten seconds. A radio that wakes for it alone costs a phone
 * more than what the desktop keeps meanwhile costs a desktop.
 */
export const ACKNOWLEDGED_WITHIN_MS = 15_000;
/**
 * After how many seconds of silence the desktop may ask for a sign of life. Whoever looks is never silent for so long; a phone
 * in a pocket is woken once a minute, and is missed three minutes after it has gone.
 */
export const PING_S = 60;
/** Close code of a session that ended for a reason of ours: of those that programs may choose (RFC 6455, section 7.4.2). */
export const CLOSE_SESSION_FAILED = 4401;
const VIOLATION = 'wamp.error.protocol_violation';
const CONNECTING = 0, OPEN = 1, CLOSED = 3;

/** Who logs in. */
export interface Login {
  authid: string;
  /** Answers the challenge of cryptosign. */
  sign: (challenge: string) => string;
  /** Drawn at random once, and said in each HELLO: a session whose WELCOME was lost takes no place then. */
  opening: string;
}

/** What came of a return. */
export type Outcome =
  | { is: 'resumed' }
  /** The desktop gave another session, to which this belongs: the old one is over. */
  | { is: 'another'; joined: Joined }
  /** It said no; the ABORT's reason and details. The session may still be there. */
  | { is: 'refused'; uri: string; details: unknown }
  /** The connection ended before there was an answer. */
  | { is: 'lost' };

/** A connection that is logged in, and its WELCOME. */
export interface Joined {
  link: NoiseSocket;
  welcome: Message;
}

type Handler = ((event: any) => void) | null;
type Message = unknown[];

export class ResumingSocket {
  onopen: Handler = null;
  onmessage: Handler = null;
  onclose: Handler = null;
  onerror: Handler = null;
  readyState: number = CONNECTING;
  binaryType = 'arraybuffer';
  /** Told when the connection below is lost and the session is not. */
  onAway: ((reason: string) => void) | null = null;
  /** Told when anything was heard. */
  onHeard: (() => void) | null = null;
  /** Told of what is taken away, which a WAMP library may not know. */
  onRevoked: ((revocation: Revocation) => void) | null = null;
  /** Told when the session is over, as {@link onclose} is. */
  onOver: ((end: { reason: string; wasAway: boolean }) => void) | null = null;

  readonly protocol = 'wamp.2.json';

  readonly #inbound = new Inbound();
  readonly #outbound = new Outbound();
  #link: NoiseSocket | null;
  /** The HELLO of the WAMP library. */
  #hello: Message | null = null;
  /** The WELCOME of the session; it may come before the library has asked for it. */
  #welcome: Message | null;
  #session = 0;
  /** `null` until the desktop offers to resume the session, and when it is over. */
  #granted: Granted | null = null;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #ackAt = 0;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  /** Over a connection that is being opened, or (with its WELCOME) over one that is logged in already. */
  constructor(private readonly login: Login, way: NoiseSocket | Joined) {
    const { link, welcome } = 'welcome' in way ? way : { link: way, welcome: null };
    this.#link = link;
    this.#welcome = welcome;
    const opened = (): void => {
      if (this.readyState !== CONNECTING) return;
      this.readyState = OPEN;
      this.onopen?.({ type: 'open', target: this });
    };
    this.#listen(link, (text) => this.#joining(text));
    if (welcome) queueMicrotask(opened);
    else link.onopen = opened;
  }

  /** Whether the session goes on without a connection. */
  get isAway(): boolean {
    return this.#granted !== null && this.#link === null;
  }

  /** Whether the session has ended. */
  get isOver(): boolean {
    return this.readyState === CLOSED;
  }

  /** Whether the desktop announces this feature of one of its roles, `broker` or `dealer`. */
  does(role: string, feature: string): boolean {
    let announced: unknown = this.#welcome?.[2];
    for (const key of ['roles', role, 'features', feature]) announced = isDict(announced) ? announced[key] : undefined;
    return announced === true;
  }

  send(text: string): void {
    const kind = kindOf(text);
    const data = kind === PUBLISH ? published(text) : text;
    if (this.readyState !== OPEN) return;
    if (kind === HELLO) return this.#say(data);
    if (kind === GOODBYE || kind === ABORT) this.#granted = null;
    if (!this.#granted || kind === null || !counts(kind)) return this.#link?.send(data);
    if (!this.#outbound.push(utf8ToBytes(data))) return this.#fail('more was sent than the connection could take');
    this.#flush();
  }

  /** Ends the session for the WAMP library; at the desktop it ends with GOODBYE, or when its time is over. */
  close(code?: number, reason?: string): void {
    if (this.readyState === CLOSED) return;
    const link = this.#link;
    this.#end({ code: code ?? 1000, reason: reason ?? '', wasClean: true });
    link?.close(code, reason);
  }

  /** Lets go of the connection, which is of no use, and of the session too where it cannot be resumed. */
  suspend(reason: string): void {
    const link = this.#link;
    if (!link || this.readyState === CLOSED) return;
    this.#lost(reason, { code: 1006, reason, wasClean: false });
    link.close();
  }

  /** Goes on with the session over another connection, which is being opened. One return at a time. */
  resume(link: NoiseSocket): Promise<Outcome> {
    return new Promise((resolve) => {
      const settle = (outcome: Outcome): void => {
        if (outcome.is === 'lost' || outcome.is === 'refused') link.close();
        resolve(outcome);
      };
      link.onopen = () => link.send(this.#helloOf(this.#granted));
      link.onclose = () => settle({ is: 'lost' });
      link.onmessage = ({ data }: { data: string }) => {
        const kind = kindOf(data);
        const message = parse(data);
        this.onHeard?.();
        if (kind === CHALLENGE && message) return this.#answer(link, message);
        if (kind === ABORT && message) return settle({ is: 'refused', uri: String(message[2]), details: message[1] });
        if (kind !== WELCOME || !message) return settle({ is: 'lost' });
        settle(this.#returned(link, message));
      };
    });
  }

  #returned(link: NoiseSocket, message: Message): Outcome {
    const news = granted(message[2]);
    if (typeof news?.resumed !== 'number') {
      link.onmessage = null;
      return { is: 'another', joined: { link, welcome: message } };
    }
    // It was given up meanwhile, and must not live on without anybody.
    if (!this.#granted || message[1] !== this.#session) return farewell(link);
    if (!this.#outbound.rewind(news.resumed)) {
      this.#link = link;
      this.#violation(`${news.resumed} messages cannot have arrived`);
      return { is: 'lost' };
    }
    clearTimeout(this.#deadline);
    this.#granted = news;
    this.#link = link;
    this.#listen(link, (text) => this.#joined(text));
    this.#flush();
    return { is: 'resumed' };
  }

  #listen(link: NoiseSocket, take: (text: string) => void): void {
    link.onmessage = ({ data }: { data: string }) => {
      if (this.#link !== link) return;
      this.onHeard?.();
      take(data);
    };
    link.onerror = (event: unknown) => this.#link === link && !this.#granted && this.onerror?.(event);
    link.onclose = (event: CloseParts) => this.#link === link && this.#lost(event.reason || 'the connection was lost', event);
  }

  /** The HELLO of the WAMP library: it goes out with what the login and a later return need. */
  #say(data: string): void {
    this.#hello = parse(data);
    if (this.#welcome) return this.#welcomed(this.#welcome);
    this.#link?.send(this.#helloOf(null));
  }

  #helloOf(back: Granted | null): string {
    const [kind, realm, details] = this.#hello!;
    const { authid, opening } = this.login;
    const login = { authid, authmethods: ['cryptosign'], authextra: {}, resumable: true, _received: this.#inbound.received, _ping: PING_S, _opening: opening };
    const where = back ? { 'resume-session': this.#session, 'resume-token': back.token } : {};
    const library = isDict(details) ? details : {};
    return JSON.stringify([kind, realm, { ...library, roles: announced(library['roles']), ...login, ...where }]);
  }

  #answer(link: NoiseSocket, [, , extra]: Message): void {
    const challenge = isDict(extra) ? String(extra['challenge']) : '';
    link.send(JSON.stringify([AUTHENTICATE, this.login.sign(challenge), {}]));
  }

  /** What comes before the session is there. */
  #joining(text: string): void {
    const kind = kindOf(text);
    const message = kind === CHALLENGE || kind === WELCOME ? parse(text) : null;
    if (!message) return this.#deliver(text);
    if (kind === CHALLENGE) return this.#answer(this.#link!, message);
    this.#welcome = message;
    this.#welcomed(message);
  }

  #welcomed(message: Message): void {
    this.#session = Number(message[1]);
    this.#granted = granted(message[2]);
    this.#listen(this.#link!, (text) => this.#joined(text));
    this.#deliver(JSON.stringify(message));
  }

  #joined(text: string): void {
    const kind = kindOf(text);
    if (kind === GOODBYE || kind === ABORT) this.#granted = null;
    if (this.#granted && kind === RECEIVED) return this.#received(text);
    if (this.#granted && kind !== null && counts(kind)) {
      this.#inbound.arrived(text);
      this.#acknowledge();
    }
    const message = kind === UNSUBSCRIBED || kind === UNREGISTERED ? parse(text) : null;
    const revocation = message && revocationOf(message);
    if (revocation) this.onRevoked?.(revocation);
    else this.#deliver(text);
  }

  #received(text: string): void {
    const count = parse(text)?.[1];
    if (!isCount(count) || !this.#outbound.acknowledged(count)) return this.#violation(`the desktop said ${text.slice(0, 40)}`);
    this.#flush();
  }

  /** Sends what may be sent now, and says with it what has arrived. */
  #flush(): void {
    const link = this.#link;
    if (!link || !this.#granted) return;
    try {
      for (let message = this.#outbound.next(); message; message = this.#outbound.next()) {
        if (this.#inbound.isBehind) link.send(this.#inbound.acknowledge());
        link.send(message);
      }
    } catch (error) {
      // Its keys are used up: the next connection has new ones.
      this.suspend(String((error as Error).message));
    }
  }

  #acknowledge(): void {
    if (this.#inbound.isDue) return this.#link?.send(this.#inbound.acknowledge());
    this.#ackAt = performance.now() + ACKNOWLEDGED_WITHIN_MS;
    this.#ackTimer ??= setTimeout(() => this.#remind(), ACKNOWLEDGED_WITHIN_MS);
  }

  #remind(): void {
    this.#ackTimer = undefined;
    if (!this.#link || !this.#granted || !this.#inbound.isBehind) return;
    const early = this.#ackAt - performance.now();
    if (early > 1) this.#ackTimer = setTimeout(() => this.#remind(), early);
    else this.#link.send(this.#inbound.acknowledge());
  }

  #deliver(text: string): void {
    this.onmessage?.({ type: 'message', data: text, target: this });
  }

  #lost(reason: string, event: CloseParts): void {
    this.#link = null;
    if (!this.#granted) return this.#end(event);
    // What HELLO says of it when it returns.
    this.#inbound.told();
    this.#deadline = setTimeout(() => this.#end(event), this.#granted.withinS * 1000);
    this.onAway?.(reason);
  }

  #violation(what: string): void {
    this.#link?.send(JSON.stringify([ABORT, { message: what }, VIOLATION]));
    this.#fail(what);
  }

  #fail(why: string): void {
    const link = this.#link;
    this.#end({ code: CLOSE_SESSION_FAILED, reason: why, wasClean: false });
    link?.close(CLOSE_SESSION_FAILED, why);
  }

  #end({ code, reason, wasClean }: CloseParts): void {
    if (this.readyState === CLOSED) return;
    clearTimeout(this.#ackTimer);
    clearTimeout(this.#deadline);
    const wasAway = this.isAway;
    this.#granted = null;
    this.#link = null;
    this.readyState = CLOSED;
    // As with a WebSocket, whoever closes it is told later.
    queueMicrotask(() => {
      this.onclose?.({ type: 'close', code, reason, wasClean, target: this });
      this.onOver?.({ reason: reason || 'the connection was lost', wasAway });
    });
  }
}

interface CloseParts {
  code: number;
  reason: string;
  wasClean: boolean;
}

function farewell(link: NoiseSocket): Outcome {
  link.send(JSON.stringify([GOODBYE, {}, 'wamp.close.close_realm']));
  return { is: 'lost' };
}

/** A message; `null` for what is none. */
function parse(text: string): Message | null {
  try {
    const message: unknown = JSON.parse(text);
    return Array.isArray(message) ? message : null;
  } catch {
    return null;
  }
}
