// What a program listens to and offers, kept over the sessions that come and go.
import type { Connection, Procedure, RawEvent } from './connection.js';
import { CallFailed } from './failure.js';

/** An event, and where it comes from. */
export interface DeskEvent extends RawEvent {
  /** The topic that it was published to: with a pattern not the one that was subscribed to. */
  topic: string;
  /** Whether it was published before the subscription, and kept by the desktop. */
  retained: boolean;
  /** When it was published, if it is retained. */
  publishedAt: Date | null;
}

export interface ListenOptions {
  match?: 'exact' | 'prefix' | 'wildcard';
  /** Whether the event that the desktop has kept is wanted first. */
  retained?: boolean;
  /** The desktop does not let this device listen to it; on the console when left out. */
  onError?: (failure: CallFailed) => void;
}

export interface OfferOptions {
  /** Nobody can call it in this session: the desktop does not let this device offer it, or somebody else does. On the console when left out. */
  onError?: (failure: CallFailed) => void;
}

type Handler = (event: DeskEvent) => void;

interface Topic {
  topic: string;
  options: ListenOptions;
  handlers: Map<Handler, (failure: CallFailed) => void>;
  /** The last event of this session, for those who come later and want what is retained. */
  last: DeskEvent | null;
  /** The session that has the subscription. */
  on: Connection | null;
}

interface Offer {
  procedure: Procedure;
  onError: (failure: CallFailed) => void;
}

/** Subscriptions and registrations. */
export class Standing {
  readonly #topics = new Map<string, Topic>();
  readonly #offers = new Map<string, Offer>();
  #connection: Connection | null = null;

  /** There is a session: in a new one everything is asked for again. */
  begin(connection: Connection): void {
    if (this.#connection === connection) return;
    this.#connection = connection;
    for (const topic of this.#topics.values()) this.#subscribe(topic);
    for (const [uri, offer] of this.#offers) this.#register(uri, offer);
  }

  /** The session is over. */
  end(): void {
    this.#connection = null;
    for (const [key, topic] of this.#topics) {
      topic.on = null;
      topic.last = null;
      if (topic.handlers.size === 0) this.#topics.delete(key);
    }
  }

  listen(name: string, handler: Handler, options: ListenOptions): () => void {
    const { match = 'exact', retained = false } = options;
    const key = `${match} ${retained} ${name}`;
    const topic = this.#topics.get(key) ?? { topic: name, options, handlers: new Map(), last: null, on: null };
    this.#topics.set(key, topic);
    topic.handlers.set(handler, options.onError ?? complaint(`${name} cannot be listened to`));
    if (this.#connection && topic.on !== this.#connection) this.#subscribe(topic);
    else if (retained && topic.last) deliver(handler, topic.last);
    return () => this.#leave(key, topic, handler);
  }

  #leave(key: string, topic: Topic, handler: Handler): void {
    if (!topic.handlers.delete(handler) || topic.handlers.size > 0) return;
    // One with options stays until the session ends (see `Connection.unsubscribe`), and is found again till then.
    const { match = 'exact', retained = false } = topic.options;
    if (topic.on && (match !== 'exact' || retained)) return;
    topic.on?.unsubscribe(topic.topic);
    this.#topics.delete(key);
  }

  #subscribe(topic: Topic): void {
    const connection = this.#connection;
    if (!connection) return;
    topic.on = connection;
    const { match = 'exact', retained = false } = topic.options;
    const options = { ...(match === 'exact' ? {} : { match }), ...(retained ? { get_retained: true as const } : {}) };
    connection.subscribe(topic.topic, options, (event) => this.#heard(connection, topic, event)).catch((error: unknown) => {
      if (topic.on !== connection) return;
      topic.on = null;
      const failure = CallFailed.from(error);
      for (const onError of [...topic.handlers.values()]) onError(failure);
    });
  }

  #heard(connection: Connection, topic: Topic, raw: RawEvent): void {
    if (this.#connection !== connection) return;
    const { details } = raw;
    const at = details['_published_at'];
    const event: DeskEvent = {
      ...raw,
      topic: typeof details['topic'] === 'string' ? details['topic'] : topic.topic,
      retained: details['retained'] === true,
      publishedAt: typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? new Date(at) : null,
    };
    topic.last = event;
    for (const handler of [...topic.handlers.keys()]) deliver(handler, event);
  }

  offer(uri: string, procedure: Procedure, { onError = complaint(`${uri} cannot be registered`) }: OfferOptions): () => void {
    if (this.#offers.has(uri)) throw new Error(`${uri} is registered already`);
    const offer = { procedure, onError };
    this.#offers.set(uri, offer);
    this.#register(uri, offer);
    return () => {
      if (this.#offers.get(uri) !== offer) return;
      this.#offers.delete(uri);
      this.#connection?.unregister(uri);
    };
  }

  #register(uri: string, offer: Offer): void {
    const connection = this.#connection;
    connection?.register(uri, offer.procedure).catch((error: unknown) => {
      // In the next session it is asked for again.
      if (this.#connection === connection && this.#offers.get(uri) === offer) offer.onError(CallFailed.from(error));
    });
  }
}

function complaint(what: string): (failure: CallFailed) => void {
  return ({ message }) => console.warn(`deskconn: ${what}: ${message}`);
}

/** What a handler throws is its own failure, and no reason to keep events from the others. */
function deliver(handler: Handler, event: DeskEvent): void {
  try {
    handler(event);
  } catch (error) {
    queueMicrotask(() => { throw error; });
  }
}
