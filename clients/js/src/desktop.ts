// A desktop that this device is paired with, over all the connections that come and go: it connects, finds out when a
// connection is dead, waits, tries again, and says at any time how it stands. A session goes on over the next connection
// where the desktop has kept it (docs/RESUMPTION.md); else there is a new one, in which everything is asked for again.
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';
import { MISSING_PAUSE_MS, type Missing } from './asking.js';
import { type CallOptions, type CallResult, Connection, type End, NotJoined, type Opener, type Procedure, type PublishOptions } from './connection.js';
import { CallFailed, LOST, OFFLINE, TIMEOUT } from './failure.js';
import { type Info, asInfo } from './info.js';
import type { Address, Membership } from './membership.js';
import type { PlainSocketClass } from './noise_socket.js';
import { type DeskEvent, type ListenOptions, type OfferOptions, Standing } from './topics.js';
import { isShown, listenToPlatform } from './platform.js';

/**
 * How often a connection is asked whether it lives, and what it allows now, while somebody looks: a page cannot see the
 * pings of the desktop. A page that is hidden asks nothing until it is shown again.
 */
export const HEARTBEAT_MS = 10_000;
/** How long it has to answer: more than a bad Wi-Fi takes, less than a speaker on a stage waits. */
export const ANSWER_MS = 5000;
/** The first pause before trying again; it doubles up to the longest. */
export const FIRST_PAUSE_MS = 500;
/** A desktop that was switched off is found this soon after it is back. */
export const LONGEST_PAUSE_MS = 15_000;
/** After a no that may become a yes: too many sessions, a key that is not let in now. */
export const REFUSED_PAUSE_MS = 30_000;

/** Nobody guesses as many. */
const OPENING_BYTES = 16;

/** How it stands with a desktop. */
export type Status =
  /** A connection is being opened, or one that was silent is being asked. */
  | { at: 'connecting'; attempt: number }
  /** Logged in, and heard from lately. */
  | { at: 'open' }
  /** Lost; it tries again at that time (milliseconds of `Date.now()`). */
  | { at: 'waiting'; retryAt: number; reason: string }
  /** The desktop said no. It tries again by itself only where that may change (`retryAt`). */
  | { at: 'refused'; code: 'unknown_device' | 'denied' | 'wrong_desktop'; reason: string; retryAt: number | null }
  | { at: 'closed' };

export interface DesktopOptions {
  /** Where to look for it first; where it was at the time of the pairing when left out. */
  address?: Address;
  WebSocket?: PlainSocketClass;
  /** {@link HEARTBEAT_MS} when left out. */
  heartbeatMs?: number;
  /** {@link ANSWER_MS} when left out. */
  answerMs?: number;
  /** {@link MISSING_PAUSE_MS} when left out. */
  missingMs?: number;
  /** Whether it matters now that a dead connection is found out, and that a right is back; while the page is not hidden, when left out. */
  isWatched?: () => boolean;
}

export class Desktop {
  readonly #standing: Standing;
  readonly #onStatus = new Set<(status: Status) => void>();
  readonly #onInfo = new Set<(info: Info | null) => void>();
  readonly #onMissing = new Set<(missing: Missing[]) => void>();
  readonly #addresses: Address[];
  readonly #opener: Opener;
  readonly #Socket: PlainSocketClass;
  readonly #heartbeatMs: number;
  readonly #answerMs: number;
  readonly #isWatched: () => boolean;
  readonly #leavePlatform: () => void;
  #status: Status = { at: 'connecting', attempt: 1 };
  #info: Info | null = null;
  #connection: Connection | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Raised with each attempt and each end, so that what comes late from an earlier one is nobody's. */
  #turn = 0;
  #failures = 0;
  #sessions = 0;
  #checking: Promise<void> | null = null;

  constructor(readonly membership: Membership, options: DesktopOptions = {}) {
    const { joined } = membership;
    const stored = joined.hosts.map((host) => ({ host, port: joined.port }));
    this.#opener = { membership, opening: bytesToHex(randomBytes(OPENING_BYTES)) };
    this.#addresses = options.address ? [options.address] : stored;
    this.#Socket = options.WebSocket ?? (globalThis.WebSocket as unknown as PlainSocketClass);
    this.#heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    this.#answerMs = options.answerMs ?? ANSWER_MS;
    this.#isWatched = options.isWatched ?? isShown;
    const tellMissing = (missing: Missing[]): void => this.#onMissing.forEach((listener) => listener(missing));
    this.#standing = new Standing(tellMissing, this.#isWatched, options.missingMs ?? MISSING_PAUSE_MS);
    // Where the desktop does not tell, each heartbeat asks.
    this.#standing.listen('org.deskconn.components.on_changed', () => this.#checkAfter(), { onError: () => {} }, true);
    this.#leavePlatform = listenToPlatform({ wake: () => this.wake(), online: () => this.retry(), leave: () => this.close() });
    void this.#connect();
  }

  get status(): Status {
    return this.#status;
  }

  /** What the desktop said of itself on this connection; `null` while there is none. */
  get info(): Info | null {
    return this.#info;
  }

  /**
   * The number of the session, from 1. While it stays the same no event of a topic was missed, however often the connection
   * was lost; in another one what is retained comes again.
   */
  get session(): number {
    return this.#sessions;
  }

  /** Called with the status as it is, and whenever it changes. Gives the function that ends that. */
  onStatus(listener: (status: Status) => void): () => void {
    this.#onStatus.add(listener);
    listener(this.#status);
    return () => this.#onStatus.delete(listener);
  }

  /** Called with {@link info} as it is, and whenever it changes. Gives the function that ends that. */
  onInfo(listener: (info: Info | null) => void): () => void {
    this.#onInfo.add(listener);
    listener(this.#info);
    return () => this.#onInfo.delete(listener);
  }

  /**
   * What this device is not let listen to or offer, or not any more: it is asked for again from time to time, and when the rights
   * of the device change. Without a session it is as it was in the last one.
   */
  get missing(): Missing[] {
    return this.#standing.missing;
  }

  /**
   * Called with {@link missing} as it is, and whenever it changes. What leaves it stands, unless nobody wants it any more or its
   * `onError` was told that it was {@link TakenAway}. Gives the function that ends that.
   */
  onMissing(listener: (missing: Missing[]) => void): () => void {
    this.#onMissing.add(listener);
    listener(this.missing);
    return () => this.#onMissing.delete(listener);
  }

  /**
   * Calls a procedure. Without a connection it fails at once: nothing is done later than it was meant. What is under way
   * when the connection is lost goes on, if the session does.
   * @throws CallFailed
   */
  async call(uri: string, args: unknown[] = [], options: CallOptions = {}): Promise<CallResult> {
    const connection = this.#connection;
    if (!connection || this.#status.at !== 'open') throw new CallFailed(OFFLINE);
    return connection.call(uri, args, options);
  }

  /** Listens to a topic, in this session and all that follow. Gives the function that ends it. */
  subscribe(topic: string, handler: (event: DeskEvent) => void, options: ListenOptions = {}): () => void {
    return this.#standing.listen(topic, handler, options);
  }

  /** Offers a procedure, in this session and all that follow. Gives the function that ends it. */
  register(uri: string, procedure: Procedure, options: OfferOptions = {}): () => void {
    return this.#standing.offer(uri, procedure, options);
  }

  /**
   * Publishes an event, and waits until the desktop has it.
   * @throws CallFailed
   */
  async publish(topic: string, args: unknown[] = [], kwargs: Record<string, unknown> = {}, options: PublishOptions = {}): Promise<void> {
    if (!this.#connection || this.#status.at !== 'open') throw new CallFailed(OFFLINE);
    await this.#connection.publish(topic, args, kwargs, options);
  }

  /** Somebody looks again, or the network changed: what is shown must be true now, not at the next heartbeat. */
  wake(): void {
    if (!this.#connection || this.#connection.isAway) return this.retry();
    const silentMs = performance.now() - this.#connection.heardAt;
    if (silentMs > this.#heartbeatMs + this.#answerMs && this.#status.at === 'open') this.#become({ at: 'connecting', attempt: 0 });
    void this.#check();
    this.#standing.askAgain();
  }

  /** Tries to connect now, whatever was said before. */
  retry(): void {
    const isThere = this.#connection && !this.#connection.isAway;
    if (isThere || this.#status.at === 'closed' || this.#status.at === 'connecting') return;
    void this.#connect();
  }

  /** Ends everything; the object is of no use after that. */
  close(): void {
    if (this.#status.at === 'closed') return;
    this.#leavePlatform();
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#connection?.close();
    this.#forget();
    this.#become({ at: 'closed' });
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.#become({ at: 'connecting', attempt: this.#failures + 1 });
    try {
      const connection = await this.#reach();
      const isNew = connection !== this.#connection;
      if (turn !== this.#turn) return isNew ? connection.close() : undefined;
      if (isNew) this.#take(connection);
      const info = await this.#ask(connection);
      if (turn !== this.#turn) return;
      this.#failures = 0;
      this.#standing.begin(connection);
      // Whoever is told the one finds the other true already.
      this.#info = info;
      this.#become({ at: 'open' });
      this.#tellInfo();
      this.#beat();
    } catch (error) {
      if (turn === this.#turn) this.#failed(error);
    }
  }

  /** A session that is not the one before, if there was one. */
  #take(connection: Connection): void {
    this.#forget();
    this.#connection = connection;
    this.#sessions += 1;
    const isOurs = (): boolean => this.#connection === connection;
    connection.onAway = (reason) => isOurs() && this.#away(reason);
    void connection.ended.then((end) => isOurs() && this.#over(end));
  }

  /** The first address that answers, the one that answered last before the others. */
  async #reach(): Promise<Connection> {
    let worst: NotJoined | null = null;
    for (const [index, address] of this.#addresses.entries()) {
      try {
        const connection = await Connection.open(address, this.#opener, this.#Socket, this.#connection);
        this.#addresses.unshift(...this.#addresses.splice(index, 1));
        return connection;
      } catch (error) {
        if (!(error instanceof NotJoined)) throw error;
        // What the desktop itself says is worth more than that somebody else, or nobody, is at another address.
        if (!worst || RANK[error.code] > RANK[worst.code]) worst = error;
      }
    }
    throw worst ?? new NotJoined('unreachable', 'no address of the desktop is known');
  }

  async #ask(connection: Connection): Promise<Info> {
    const { args } = await connection.call('org.deskconn.info.get', [], { timeoutMs: this.#answerMs });
    return asInfo(args[0]);
  }

  /** Asks the connection whether it lives, and what it allows now; lets go of it when it does not answer. */
  #check(): Promise<void> {
    const connection = this.#connection;
    if (!connection || connection.isAway) return Promise.resolve();
    if (this.#checking) return this.#checking;
    const turn = this.#turn;
    const checking = this.#ask(connection)
      .then((info) => {
        if (turn !== this.#turn) return;
        this.#learn(info);
        if (this.#status.at !== 'open') this.#become({ at: 'open' });
        this.#beat();
      })
      .catch((error: unknown) => {
        if (turn !== this.#turn) return;
        // It answered, though not as it should: it lives.
        if (error instanceof CallFailed && !isSilence(error)) return this.#beat();
        connection.suspend('the desktop does not answer any more');
      })
      .finally(() => {
        if (this.#checking === checking) this.#checking = null;
      });
    this.#checking = checking;
    return checking;
  }

  /** As {@link #check}, but not with an answer that is on its way already. */
  #checkAfter(): void {
    if (this.#checking) void this.#checking.then(() => this.#check());
    else void this.#check();
  }

  #beat(): void {
    clearTimeout(this.#timer);
    // Whoever looks again wakes it.
    this.#timer = setTimeout(() => this.#isWatched() && void this.#check(), this.#heartbeatMs);
  }

  #learn(info: Info): void {
    if (JSON.stringify(info) === JSON.stringify(this.#info)) return;
    this.#info = info;
    this.#tellInfo();
    this.#standing.askAgain();
  }

  /** What was said of itself over a connection that is gone may not hold any more. */
  #unlearn(): void {
    if (this.#info === null) return;
    this.#info = null;
    this.#tellInfo();
  }

  #tellInfo(): void {
    for (const listener of [...this.#onInfo]) listener(this.#info);
  }

  #failed(error: unknown): void {
    if (error instanceof NotJoined && error.code !== 'unreachable') {
      // A device that is not known any more stays so until somebody pairs it, and has no session either.
      const isKnown = error.code !== 'unknown_device';
      if (!isKnown) this.#forget();
      const retryAt = isKnown ? Date.now() + REFUSED_PAUSE_MS : null;
      this.#failures = 0;
      if (isKnown) this.#timer = setTimeout(() => void this.#connect(), REFUSED_PAUSE_MS);
      return this.#become({ at: 'refused', code: error.code, reason: error.message, retryAt });
    }
    const connection = this.#connection;
    // It let us in and says nothing; what `suspend` brings about says the rest.
    if (connection && !connection.isAway) return connection.suspend('the desktop does not answer');
    this.#pause(error instanceof Error ? error.message : String(error));
  }

  /** The connection is lost, the session is not. */
  #away(reason: string): void {
    this.#turn += 1;
    this.#checking = null;
    this.#unlearn();
    this.#pause(reason);
  }

  /** The session is over. */
  #over({ reason, wasAway }: End): void {
    this.#forget();
    // Nobody has connected before its time was over; the attempts go on.
    if (wasAway) return;
    this.#turn += 1;
    this.#pause(reason);
  }

  /** Forgets the session, and what was known through it. */
  #forget(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#checking = null;
    this.#standing.end();
    connection?.drop();
    this.#unlearn();
  }

  #pause(reason: string): void {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    // Not all phones at once, when the desktop comes back.
    const pause = longest * (0.75 + Math.random() / 4);
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), pause);
    this.#become({ at: 'waiting', retryAt: Date.now() + pause, reason });
  }

  #become(status: Status): void {
    this.#status = status;
    for (const listener of [...this.#onStatus]) listener(status);
  }
}

const RANK = { unreachable: 0, wrong_desktop: 1, denied: 2, unknown_device: 3 };

function isSilence({ uri }: CallFailed): boolean {
  return uri === TIMEOUT || uri === LOST;
}
