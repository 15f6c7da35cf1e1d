// One WAMP session inside Noise, from its login to its end, over the connections that it is given. It never connects by
// itself; `desktop.ts` does.
import { Wampy } from 'wampy';
import { CANCELED, CallFailed, LOST, QueuesUnsupported, TIMEOUT, isDict } from './failure.js';
import { type Address, type Membership, identityOf, loginOf, socketUrl } from './membership.js';
import { type NoiseSocket, type PlainSocketClass, noiseWebSocket } from './noise_socket.js';
import { retaining } from './publishing.js';
import { type Login, ResumingSocket } from './resuming_socket.js';
import { type Revocation, type Revoked, forget } from './revocation.js';

/** From the first byte to the WELCOME: a phone that wakes may need some seconds for its network. */
export const OPENING_MS = 8000;
/** For a call, unless it says otherwise: the owner has a minute where a grant wants consent. */
export const CALL_MS = 70_000;
const FORGETS_NOTHING = 'this router cannot forget what it retains (x_forget_retained is missing among its features)';
/** What wampy speaks, and the messages of a session that is resumed are counted in. */
const PROTOCOLS = ['wamp.2.json'];

/** Why there is no session with the desktop, and whether it is of use to try again soon. */
export class NotJoined extends Error {
  constructor(readonly code: 'unreachable' | 'unknown_device' | 'denied' | 'wrong_desktop', sentence: string) {
    super(sentence);
    this.name = 'NotJoined';
  }
}

/** Who opens one session after the other. */
export interface Opener {
  membership: Membership;
  /** What it says in each attempt ({@link Login.opening}). */
  opening: string;
}

export interface CallOptions {
  kwargs?: Record<string, unknown>;
  /** Intermediate results, as they come. */
  onProgress?: (args: unknown[], kwargs: Record<string, unknown>) => void;
  /** Takes the call back. */
  signal?: AbortSignal;
  /** {@link CALL_MS} when left out. */
  timeoutMs?: number;
}

/** What a procedure gave. */
export interface CallResult {
  args: unknown[];
  kwargs: Record<string, unknown>;
}

/** The first thing that a procedure gave: most give one. */
export function value<T>({ args }: CallResult): T {
  return args[0] as T;
}

/** An event as it came. */
export interface RawEvent {
  args: unknown[];
  kwargs: Record<string, unknown>;
  details: Record<string, unknown>;
}

/** Answers calls of others. What it throws is the answer: a {@link CallFailed} as it is. */
export type Procedure = (args: unknown[], kwargs: Record<string, unknown>, details: Record<string, unknown>) => unknown;

export interface SubscribeOptions {
  match?: 'exact' | 'prefix' | 'wildcard';
  get_retained?: true;
}

export interface PublishOptions {
  /** For who comes later, too. */
  retain?: boolean;
  /** What is kept of the topic for who comes later is forgotten, and the event is not kept. */
  forget?: boolean;
  /** Its place in a queue whose publications are taken once each (docs/QUEUES.md). */
  queue?: { name: string; number: number };
}

/** How a session ended. */
export interface End {
  reason: string;
  /** Whether it had no connection then: it waited for its return in vain. */
  wasAway: boolean;
}

export class Connection {
  /** When something was last heard from the desktop, on the clock of `performance.now()`. */
  heardAt = performance.now();
  /** Settles when the session is over. */
  readonly ended: Promise<End>;
  /** Told when there is no connection to the desktop any more, and the session is kept for the next. */
  onAway: ((reason: string) => void) | null = null;
  readonly #wampy: Wampy;
  /** Who is told when that is taken away for which wampy has a callback. */
  readonly #onRevoked = new WeakMap<object, Revoked>();
  #socket: ResumingSocket | null = null;
  #end!: (end: End) => void;

  private constructor(url: string, membership: Membership, make: (url: string, protocols: string[]) => ResumingSocket) {
    this.ended = new Promise((resolve) => { this.#end = resolve; });
    // Wampy makes the socket; this one is seen by us too.
    const seen = (address: string, protocols: string[]): ResumingSocket => {
      const socket = make(address, protocols);
      this.#socket = socket;
      socket.onHeard = () => { this.heardAt = performance.now(); };
      socket.onAway = (reason) => this.onAway?.(reason);
      socket.onRevoked = (revocation) => this.#revoked(revocation);
      socket.onOver = (end) => this.#end(end);
      return socket;
    };
    class Seen {
      constructor(address: string, protocols: string[]) {
        return seen(address, protocols);
      }
    }
    this.#wampy = new Wampy(url, { realm: membership.joined.realm, ws: Seen as never, autoReconnect: false, uriValidation: 'loose' });
  }

  /**
   * Logs in at an address. With an earlier session it goes on with that, or begins another where it is over.
   * @throws NotJoined
   */
  static async open(address: Address, { membership, opening }: Opener, Socket: PlainSocketClass, earlier: Connection | null = null): Promise<Connection> {
    const identity = identityOf(membership);
    const login: Login = { authid: membership.joined.device_id, sign: (challenge) => identity.signChallenge(challenge), opening };
    const Noise = noiseWebSocket(loginOf(membership), Socket);
    const url = socketUrl(address, membership.joined.path);
    let link: NoiseSocket | null = null;
    const reach = (): NoiseSocket => (link = new Noise(url, PROTOCOLS));
    const join = async (make: () => ResumingSocket): Promise<Connection> => {
      const connection = new Connection(url, membership, make);
      // Wampy's own promise never settles when the connection closes before the WELCOME.
      const closed = connection.ended.then(() => Promise.reject(new Error('closed')));
      await Promise.race([connection.#wampy.connect(), closed]);
      return connection;
    };
    const session = async (): Promise<Connection> => {
      const socket = earlier ? earlier.#socket : null;
      if (!earlier || !socket?.isAway) return join(() => new ResumingSocket(login, reach()));
      const outcome = await socket.resume(reach());
      if (outcome.is === 'resumed') return earlier;
      if (outcome.is === 'another') return join(() => new ResumingSocket(login, outcome.joined));
      throw outcome.is === 'refused' ? { errorUri: outcome.uri, details: outcome.details } : new Error('closed');
    };
    return withinOpening(session(), () => link?.close()).catch((error: unknown) => {
      link?.close();
      throw asNotJoined(error, link?.isUnproved ?? false);
    });
  }

  /** Whether the session waits for a connection. */
  get isAway(): boolean {
    return this.#socket?.isAway ?? false;
  }

  /** Whether the session is over; {@link ended} says so a little later. */
  get isOver(): boolean {
    return this.#socket?.isOver ?? false;
  }

  /** Whether the desktop announces this feature of one of its roles, `broker` or `dealer`. */
  does(role: string, feature: string): boolean {
    return this.#socket?.does(role, feature) ?? false;
  }

  /** Lets go of a connection that is of no use; of the session too, where it cannot be resumed. */
  suspend(reason: string): void {
    this.#socket?.suspend(reason);
  }

  async call(uri: string, args: unknown[] = [], options: CallOptions = {}): Promise<CallResult> {
    const { kwargs, onProgress, signal, timeoutMs = CALL_MS } = options;
    if (signal?.aborted) throw new CallFailed(CANCELED);
    const wampy = this.#wampy;
    const progress = onProgress && { progress_callback: (it: Loose) => onProgress(it.argsList ?? [], it.argsDict ?? {}) };
    const answer = wampy.call(uri, { argsList: args, argsDict: kwargs ?? {} }, progress as never);
    const request = wampy.getOpStatus().reqId as number;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let abort: (() => void) | undefined;
    const given = new Promise<never>((_resolve, reject) => {
      const giveUp = (failure: CallFailed): void => {
        // The answer that still comes is nobody's; the desktop stops what it does.
        this.#cancel(request);
        reject(failure);
      };
      timer = setTimeout(() => giveUp(new CallFailed(TIMEOUT)), timeoutMs);
      abort = () => giveUp(new CallFailed(CANCELED));
      signal?.addEventListener('abort', abort);
    });
    answer.catch(() => {});
    // A dead connection is let go of before its socket has noticed.
    const broken = this.ended.then(() => Promise.reject(new CallFailed(LOST)));
    try {
      const { argsList, argsDict } = (await Promise.race([answer, given, broken])) as Loose;
      return { args: argsList ?? [], kwargs: argsDict ?? {} };
    } catch (error) {
      throw CallFailed.from(error);
    } finally {
      clearTimeout(timer);
      if (abort) signal?.removeEventListener('abort', abort);
    }
  }

  #cancel(request: number): void {
    try {
      this.#wampy.cancel(request, { mode: 'kill' });
    } catch {
      // It has its answer, or there is no session any more.
    }
  }

  /** @throws CallFailed */
  async subscribe(topic: string, options: SubscribeOptions, onEvent: (event: RawEvent) => void, onRevoked: Revoked): Promise<void> {
    const take = ({ argsList, argsDict, details }: Loose): void => onEvent({ args: argsList ?? [], kwargs: argsDict ?? {}, details: details ?? {} });
    this.#onRevoked.set(take, onRevoked);
    await this.#ask(() => this.#wampy.subscribe(topic, take as never, hasOptions(options) ? (options as never) : undefined));
  }

  /** Ends a subscription that was made without options; wampy cannot end one that has some. */
  unsubscribe(topic: string): void {
    this.#wampy.unsubscribe(topic).catch(() => {});
  }

  /** @throws CallFailed */
  async register(uri: string, procedure: Procedure, onRevoked: Revoked): Promise<void> {
    const answer = async ({ argsList, argsDict, details }: Loose): Promise<unknown> => {
      try {
        const value = await procedure(argsList ?? [], argsDict ?? {}, details ?? {});
        return { argsList: [value ?? null] };
      } catch (error) {
        const failure = error instanceof CallFailed ? error : new CallFailed('wamp.error.runtime_error', String((error as Error)?.message ?? error));
        throw { error: failure.uri, argsList: [failure.message], argsDict: failure.kwargs };
      }
    };
    this.#onRevoked.set(answer, onRevoked);
    await this.#ask(() => this.#wampy.register(uri, answer as never));
  }

  unregister(uri: string): void {
    this.#wampy.unregister(uri).catch(() => {});
  }

  /**
   * Publishes, and waits until the desktop has it.
   * @throws CallFailed
   */
  async publish(topic: string, args: unknown[], kwargs: Record<string, unknown>, { retain, forget, queue }: PublishOptions): Promise<void> {
    if (forget && !this.does('broker', 'x_forget_retained')) throw new CallFailed('wamp.error.feature_not_supported', FORGETS_NOTHING);
    if (queue && !this.does('broker', 'x_publication_queue')) throw new QueuesUnsupported();
    const options = { ...(retain ? retaining() : {}), ...(forget ? { _forget: true } : {}), ...(queue ? { _queue: queue.name, _number: queue.number } : {}) };
    const over = this.ended.then(() => Promise.reject(new CallFailed(LOST)));
    await this.#ask(() => Promise.race([this.#wampy.publish(topic, { argsList: args, argsDict: kwargs } as never, options as never), over]));
  }

  #revoked(revocation: Revocation): void {
    for (const callback of forget(this.#wampy, revocation)) this.#onRevoked.get(callback)?.(revocation.reason);
  }

  async #ask(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      throw CallFailed.from(error);
    }
  }

  /** Says goodbye, so that the desktop does not wait for a return. */
  close(): void {
    this.#wampy.disconnect().catch(() => {});
    this.drop();
  }

  /** Lets go of a session that is of no use: what is under way fails at once. */
  drop(): void {
    this.#socket?.close();
    this.#end({ reason: 'it was closed', wasAway: false });
  }
}

/** Fails when there is no session after {@link OPENING_MS}. */
async function withinOpening(session: Promise<Connection>, giveUp: () => void): Promise<Connection> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      giveUp();
      reject(new NotJoined('unreachable', 'the desktop does not answer'));
    }, OPENING_MS);
  });
  session.catch(() => {});
  return Promise.race([session, silence]).finally(() => clearTimeout(timer));
}

function asNotJoined(error: unknown, isUnproved: boolean): NotJoined {
  if (error instanceof NotJoined) return error;
  const { errorUri, details } = (error ?? {}) as { errorUri?: unknown; details?: unknown };
  const sentence = isDict(details) && typeof details['message'] === 'string' ? details['message'] : undefined;
  if (errorUri === 'wamp.error.authentication_failed') return new NotJoined('unknown_device', sentence ?? 'the desktop does not know this device any more');
  // What the router says before it stops, or when nobody can say yet who may come in: soon it may be otherwise.
  const isPassing = errorUri === 'wamp.close.system_shutdown' || errorUri === 'wamp.error.unavailable';
  if (typeof errorUri === 'string' && !isPassing) return new NotJoined('denied', sentence ?? `the desktop said no: ${errorUri}`);
  // It answered as a WebSocket, took our Noise, and proved nothing: it has another key.
  if (isUnproved) return new NotJoined('wrong_desktop', 'another desktop than the paired one answers at this address');
  return new NotJoined('unreachable', 'the desktop cannot be reached');
}

/** What wampy gives to callbacks. */
interface Loose {
  argsList?: unknown[];
  argsDict?: Record<string, unknown>;
  details?: Record<string, unknown>;
}

function hasOptions({ match, get_retained }: SubscribeOptions): boolean {
  return match !== undefined || get_retained === true;
}
