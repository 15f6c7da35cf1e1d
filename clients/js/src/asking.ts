// What is to stand in every session: it is asked for in each, and again in the same one where the desktop has refused it, or
// has taken it away together with the right to it. What it is, and where its events go, `topics.ts` knows.
import type { Connection } from './connection.js';
import { CANCELED, CallFailed, LOST, NOT_AUTHORIZED, TakenAway } from './failure.js';
import type { Revoked } from './revocation.js';

/**
 * What does not stand is asked for so often, while somebody looks. A right comes back without a word, and a procedure may still
 * be that of an earlier session of this device, which the desktop gives up after two minutes.
 */
export const MISSING_PAUSE_MS = 30_000;

/** Something that was asked for, and does not stand. */
export interface Missing {
  what: 'topic' | 'procedure';
  uri: string;
  /** Why. */
  failure: CallFailed;
}

/** Whoever wants something, and is told how it stands. */
export interface Wisher {
  readonly onError: (failure: CallFailed) => void;
  readonly onStands: () => void;
  /** Whether it is the client itself, which nobody is told of. */
  readonly isOwn: boolean;
  /** Whether it was told of the failure in this session: once is enough. */
  isTold: boolean;
  /** Whether it is owed the news that it stands. */
  isWithout: boolean;
}

/** What is to stand. */
export interface Wish {
  readonly what: Missing['what'];
  readonly uri: string;
  wishers(): Wisher[];
  /** Asks for it. */
  ask(connection: Connection, onRevoked: Revoked): Promise<void>;
  /** It is asked for no more. */
  over(): void;
}

interface State {
  /** The question that has no answer yet, or was answered with a yes. */
  asked: object | null;
  /** Why it did not stand when that was last known. */
  failure: CallFailed | null;
}

export class Asker {
  readonly #wishes = new Map<Wish, State>();
  /** Questions that have no answer yet. */
  readonly #open = new Set<object>();
  #connection: Connection | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What was last said to be missing. */
  #said = '';

  constructor(
    private readonly onMissing: (missing: Missing[]) => void,
    private readonly isWatched: () => boolean,
    private readonly pauseMs: number,
  ) {}

  /** What was refused or taken away. Without a session it is as it was in the last. */
  get missing(): Missing[] {
    const missing: Missing[] = [];
    for (const [wish, { failure }] of this.#wishes) {
      const { what, uri } = wish;
      if (failure && wish.wishers().some(({ isOwn }) => !isOwn)) missing.push({ what, uri, failure });
    }
    return missing;
  }

  /** There is a session, a new one or the one before: what does not stand in it is asked for. */
  begin(connection: Connection): void {
    this.#connection = connection;
    this.askAgain();
  }

  /** The session is over. */
  end(): void {
    this.#connection = null;
    this.#open.clear();
    this.#rest();
    for (const [wish, state] of this.#wishes) {
      state.asked = null;
      for (const wisher of wish.wishers()) wisher.isTold = false;
    }
  }

  /** The session in which it stands, or is being asked for. */
  connectionOf(wish: Wish): Connection | null {
    return this.#wishes.get(wish)?.asked ? this.#connection : null;
  }

  /** Asks for it now, if it does not stand, and in every session. */
  want(wish: Wish): void {
    const state = this.#wishes.get(wish) ?? { asked: null, failure: null };
    this.#wishes.set(wish, state);
    if (!state.asked) this.#ask(wish, state);
  }

  /** Nobody wants it any more. */
  drop(wish: Wish): void {
    const state = this.#wishes.get(wish);
    if (!state) return;
    if (state.asked) this.#open.delete(state.asked);
    this.#wishes.delete(wish);
    wish.over();
    this.#settle();
  }

  /** Asks for all that does not stand. */
  askAgain(): void {
    this.#rest();
    for (const [wish, state] of [...this.#wishes]) if (!state.asked) this.#ask(wish, state);
    this.#settle();
  }

  #ask(wish: Wish, state: State): void {
    const connection = this.#connection;
    if (!connection) return;
    const question = {};
    state.asked = question;
    this.#open.add(question);
    const isAsked = (): boolean => state.asked === question && this.#wishes.has(wish);
    const answered = (take: () => void): void => {
      this.#open.delete(question);
      if (isAsked()) take();
      this.#settle();
    };
    wish.ask(connection, (reason) => isAsked() && this.#revoked(wish, state, reason)).then(
      () => answered(() => this.#stands(wish, state)),
      (error: unknown) => {
        const failure = CallFailed.from(error);
        // In the next session it is asked for again.
        if (failure.uri === LOST && connection.isOver) return;
        answered(() => this.#refused(wish, state, failure));
      },
    );
  }

  #stands(wish: Wish, state: State): void {
    state.failure = null;
    for (const wisher of wish.wishers()) {
      const { isWithout } = wisher;
      wisher.isTold = wisher.isWithout = false;
      if (isWithout) apart(() => wisher.onStands());
    }
  }

  #refused(wish: Wish, state: State, failure: CallFailed): void {
    state.asked = null;
    state.failure = failure;
    if (wish.wishers().length === 0) return this.drop(wish);
    for (const wisher of wish.wishers()) {
      const { isTold } = wisher;
      wisher.isTold = wisher.isWithout = true;
      if (!isTold) apart(() => wisher.onError(failure));
    }
  }

  /**
   * The desktop has taken it away. What the session has lost its right to is asked for again, now and from time to time; what
   * somebody took over, or took from it by hand, is not: it would go to and fro.
   */
  #revoked(wish: Wish, state: State, reason: string | null): void {
    if (state.asked) this.#open.delete(state.asked);
    state.asked = null;
    const wishers = wish.wishers();
    if (reason === NOT_AUTHORIZED && wishers.length > 0) {
      for (const wisher of wishers) wisher.isWithout = true;
      return this.askAgain();
    }
    this.drop(wish);
    const failure = new TakenAway(reason ?? CANCELED);
    for (const wisher of wishers) apart(() => wisher.onError(failure));
  }

  /** When all questions are answered: says what is missing, if that is not what it was, and waits to ask again. */
  #settle(): void {
    if (this.#open.size > 0) return;
    if (this.#connection && [...this.#wishes.values()].some(({ asked }) => !asked)) this.#wait();
    else this.#rest();
    const { missing } = this;
    const said = missing.map(({ what, uri }) => `${what} ${uri}`).join('\n');
    if (said === this.#said) return;
    this.#said = said;
    this.onMissing(missing);
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => {
      this.#rest();
      if (this.isWatched()) this.askAgain();
      else this.#wait();
    }, this.pauseMs);
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** What a program throws is its own failure, and no reason to keep anything from the others. */
export function apart(act: () => void): void {
  try {
    act();
  } catch (error) {
    queueMicrotask(() => { throw error; });
  }
}
