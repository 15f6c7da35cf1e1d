// What a program listens to and offers, kept over the sessions that come and go; when it is asked for, `asking.ts` knows.
import { Asker, type Missing, type Wish, type Wisher, apart } from './asking.js';
import type { Connection, Procedure, RawEvent } from './connection.js';
import type { CallFailed } from './failure.js';

/** An event, and where it comes from. */
export interface DeskEvent extends RawEvent {
  /** The topic that it was published to: with a pattern not the one that was subscribed to. */
  topic: string;
  /** Whether it was published before the subscription, and kept by the desktop. */
  retained: boolean;
  /** When it was published, if it is retained. */
  publishedAt: Date | null;
}

/** What is told of a subscription or a registration. */
export interface StandingOptions {
  /**
   * It does not stand: the desktop does not let this device have it, or not any more, or somebody else offers the procedure. Told
   * once in a session; it is asked for again from time to time, except after a {@link TakenAway}. On the console when left out.
   */
  onError?: (failure: CallFailed) => void;
  /** It stands, after it did not: what was published meanwhile has not come. */
  onStands?: () => void;
}

export interface ListenOptions extends StandingOptions {
  match?: 'exact' | 'prefix' | 'wildcard';
  /** Whether the event that the desktop has kept is wanted first. */
  retained?: boolean;
}

export interface OfferOptions extends StandingOptions {}

type Handler = (event: DeskEvent) => void;

interface Topic extends Wish {
  options: ListenOptions;
  handlers: Map<Handler, Wisher>;
  /** The last event of this session, for those who come later and want what is retained. */
  last: DeskEvent | null;
}

/** Subscriptions and registrations. */
export class Standing {
  readonly #topics = new Map<string, Topic>();
  readonly #offers = new Map<string, Wish>();
  readonly #asker: Asker;

  constructor(onMissing: (missing: Missing[]) => void, isWatched: () => boolean, pauseMs: number) {
    this.#asker = new Asker(onMissing, isWatched, pauseMs);
  }

  get missing(): Missing[] {
    return this.#asker.missing;
  }

  /** There is a session: in a new one everything is asked for again. */
  begin(connection: Connection): void {
    this.#asker.begin(connection);
  }

  /** Asks for what does not stand. */
  askAgain(): void {
    this.#asker.askAgain();
  }

  /** The session is over. */
  end(): void {
    this.#asker.end();
    for (const topic of [...this.#topics.values()]) {
      topic.last = null;
      if (topic.handlers.size === 0) this.#asker.drop(topic);
    }
  }

  listen(name: string, handler: Handler, options: ListenOptions, isOwn = false): () => void {
    const { match = 'exact', retained = false } = options;
    const key = `${match} ${retained} ${name}`;
    const topic = this.#topics.get(key) ?? this.#topic(key, name, options);
    topic.handlers.set(handler, wisher(`${name} cannot be listened to`, options, isOwn));
    const { last } = topic;
    if (retained && last) apart(() => handler(last));
    this.#asker.want(topic);
    return () => this.#leave(topic, handler);
  }

  #topic(key: string, name: string, options: ListenOptions): Topic {
    const { match = 'exact', retained = false } = options;
    const asked = { ...(match === 'exact' ? {} : { match }), ...(retained ? { get_retained: true as const } : {}) };
    const topic: Topic = {
      what: 'topic', uri: name, options, handlers: new Map(), last: null,
      wishers: () => [...topic.handlers.values()],
      ask: (connection, onRevoked) => connection.subscribe(name, asked, (event) => this.#heard(connection, topic, event), (reason) => {
        topic.last = null;
        onRevoked(reason);
      }),
      over: () => this.#topics.delete(key),
    };
    this.#topics.set(key, topic);
    return topic;
  }

  #leave(topic: Topic, handler: Handler): void {
    if (!topic.handlers.delete(handler) || topic.handlers.size > 0) return;
    const connection = this.#asker.connectionOf(topic);
    const { match = 'exact', retained = false } = topic.options;
    // One with options stays until the session ends (see `Connection.unsubscribe`), and is found again till then.
    if (connection && (match !== 'exact' || retained)) return;
    connection?.unsubscribe(topic.uri);
    this.#asker.drop(topic);
  }

  #heard(connection: Connection, topic: Topic, raw: RawEvent): void {
    if (this.#asker.connectionOf(topic) !== connection) return;
    const { details } = raw;
    const at = details['_published_at'];
    const event: DeskEvent = {
      ...raw,
      topic: typeof details['topic'] === 'string' ? details['topic'] : topic.uri,
      retained: details['retained'] === true,
      publishedAt: typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? new Date(at) : null,
    };
    topic.last = event;
    for (const handler of [...topic.handlers.keys()]) apart(() => handler(event));
  }

  offer(uri: string, procedure: Procedure, options: OfferOptions): () => void {
    if (this.#offers.has(uri)) throw new Error(`${uri} is registered already`);
    const wishers = [wisher(`${uri} cannot be registered`, options)];
    const offer: Wish = {
      what: 'procedure', uri,
      wishers: () => wishers,
      ask: (connection, onRevoked) => connection.register(uri, procedure, onRevoked),
      over: () => this.#offers.delete(uri),
    };
    this.#offers.set(uri, offer);
    this.#asker.want(offer);
    return () => {
      if (this.#offers.get(uri) !== offer) return;
      this.#asker.connectionOf(offer)?.unregister(uri);
      this.#asker.drop(offer);
    };
  }
}

function wisher(complaint: string, { onError, onStands }: StandingOptions, isOwn = false): Wisher {
  const complain = ({ message }: CallFailed): void => console.warn(`deskconn: ${complaint}: ${message}`);
  return { onError: onError ?? complain, onStands: onStands ?? (() => {}), isOwn, isTold: false, isWithout: false };
}
