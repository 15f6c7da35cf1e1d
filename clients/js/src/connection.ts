// One WAMP session inside Noise, from its login to its end. It never reconnects; `desktop.ts` does.
import { Wampy } from 'wampy';
import { CANCELED, CallFailed, LOST, TIMEOUT, isDict } from './failure.js';
import { type Address, type Membership, identityOf, loginOf, socketUrl } from './membership.js';
import { type NoiseSocket, type PlainSocketClass, noiseWebSocket } from './noise_socket.js';

/** From the first byte to the WELCOME: a phone that wakes may need some seconds for its network. */
export const OPENING_MS = 8000;
/** For a call, unless it says otherwise: the owner has a minute where a grant wants consent. */
export const CALL_MS = 70_000;

/** Why there is no session with the desktop, and whether it is of use to try again soon. */
export class NotJoined extends Error {
  constructor(readonly code: 'unreachable' | 'unknown_device' | 'denied' | 'wrong_desktop', sentence: string) {
    super(sentence);
    this.name = 'NotJoined';
  }
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

export class Connection {
  /** When something was last heard from the desktop, on the clock of `performance.now()`. */
  heardAt = performance.now();
  /** Settles when the session is over. */
  readonly ended: Promise<void>;
  readonly #wampy: Wampy;
  #socket: NoiseSocket | null = null;
  #end!: () => void;

  private constructor(url: string, membership: Membership, Socket: PlainSocketClass) {
    this.ended = new Promise((resolve) => { this.#end = resolve; });
    const identity = identityOf(membership);
    const { joined } = membership;
    const Noise = noiseWebSocket(loginOf(membership), Socket);
    // Wampy makes the socket; this one is seen by us too.
    const seen = (socket: NoiseSocket): void => {
      this.#socket = socket;
      socket.addEventListener('message', () => { this.heardAt = performance.now(); });
      socket.addEventListener('close', () => this.#end());
    };
    class Seen extends Noise {
      constructor(address: string, protocols?: string | string[]) {
        super(address, protocols);
        seen(this);
      }
    }
    this.#wampy = new Wampy(url, {
      realm: joined.realm,
      ws: Seen as never,
      authid: joined.device_id,
      authmethods: ['cryptosign'],
      onChallenge: (_method, { challenge }) => identity.signChallenge(String(challenge)),
      autoReconnect: false,
      uriValidation: 'loose',
    });
  }

  /**
   * Logs in at an address.
   * @throws NotJoined
   */
  static async open(address: Address, membership: Membership, Socket: PlainSocketClass, openingMs = OPENING_MS): Promise<Connection> {
    const connection = new Connection(socketUrl(address, membership.joined.path), membership, Socket);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new NotJoined('unreachable', 'the desktop does not answer')), openingMs);
    });
    // Wampy's own promise never settles when the connection closes before the WELCOME.
    const closed = connection.ended.then(() => Promise.reject(connection.#whyClosed()));
    closed.catch(() => {});
    try {
      await Promise.race([connection.#wampy.connect(), closed, silence]);
      return connection;
    } catch (error) {
      connection.drop();
      throw connection.#asNotJoined(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Why the socket closed before there was a session. */
  #whyClosed(): NotJoined {
    // It answered as a WebSocket, took our Noise, and proved nothing: it has another key.
    if (this.#socket?.isUnproved) return new NotJoined('wrong_desktop', 'another desktop than the paired one answers at this address');
    return new NotJoined('unreachable', 'the desktop cannot be reached');
  }

  #asNotJoined(error: unknown): NotJoined {
    if (error instanceof NotJoined) return error;
    const { errorUri, details } = (error ?? {}) as { errorUri?: unknown; details?: unknown };
    const sentence = isDict(details) && typeof details['message'] === 'string' ? details['message'] : undefined;
    if (errorUri === 'wamp.error.authentication_failed') return new NotJoined('unknown_device', sentence ?? 'the desktop does not know this device any more');
    if (typeof errorUri === 'string' && errorUri !== 'wamp.close.system_shutdown') return new NotJoined('denied', sentence ?? `the desktop said no: ${errorUri}`);
    return this.#whyClosed();
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
  async subscribe(topic: string, options: SubscribeOptions, onEvent: (event: RawEvent) => void): Promise<void> {
    const take = ({ argsList, argsDict, details }: Loose): void => onEvent({ args: argsList ?? [], kwargs: argsDict ?? {}, details: details ?? {} });
    await this.#ask(() => this.#wampy.subscribe(topic, take as never, hasOptions(options) ? (options as never) : undefined));
  }

  /** Ends a subscription that was made without options; wampy cannot end one that has some. */
  unsubscribe(topic: string): void {
    this.#wampy.unsubscribe(topic).catch(() => {});
  }

  /** @throws CallFailed */
  async register(uri: string, procedure: Procedure): Promise<void> {
    const answer = async ({ argsList, argsDict, details }: Loose): Promise<unknown> => {
      try {
        const value = await procedure(argsList ?? [], argsDict ?? {}, details ?? {});
        return { argsList: [value ?? null] };
      } catch (error) {
        const failure = error instanceof CallFailed ? error : new CallFailed('wamp.error.runtime_error', String((error as Error)?.message ?? error));
        throw { error: failure.uri, argsList: [failure.message], argsDict: failure.kwargs };
      }
    };
    await this.#ask(() => this.#wampy.register(uri, answer as never));
  }

  unregister(uri: string): void {
    this.#wampy.unregister(uri).catch(() => {});
  }

  /** Publishes, and waits until the desktop has it. */
  async publish(topic: string, args: unknown[], kwargs: Record<string, unknown>): Promise<void> {
    await this.#ask(() => this.#wampy.publish(topic, { argsList: args, argsDict: kwargs } as never));
  }

  async #ask(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      throw CallFailed.from(error);
    }
  }

  /** Says goodbye. */
  close(): void {
    this.#wampy.disconnect().catch(() => {});
  }

  /** Lets go of a connection that is of no use: what is under way fails at once. */
  drop(): void {
    this.#socket?.close();
    this.#end();
  }
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
