// Publications that arrive once, however often they are sent (docs/QUEUES.md): they wait on disk, also while the page is closed,
// until the desktop has them.
import { CallFailed, LOST, OFFLINE, QueuesUnsupported, TIMEOUT } from './failure.js';
import type { Desktop } from './desktop.js';
import { DatabaseShelf, type Shelf, type Waiting } from './shelf.js';

/** Publications that may wait: whoever is away for so long that they are more hears of it. */
export const MAX_WAITING = 10_000;
/** Bytes of a publication's arguments in JSON: well below what a desktop takes as one message, which else ends the session. */
export const MAX_PUBLICATION_BYTES = 512 << 10;
/** Before a desktop that cannot take more now is asked again. */
const PAUSE_MS = 1000;

export interface QueuedOptions {
  kwargs?: Record<string, unknown>;
  /** For who comes later, too. */
  retain?: boolean;
}

/** A publication that the desktop does not want; it is in the queue no more. */
export interface RefusedPublication {
  publication: Waiting;
  failure: CallFailed;
}

/** There is no room: so many wait already. */
export class QueueFull extends Error {
  constructor() {
    super(`${MAX_WAITING} publications wait already; the desktop must take some before there is room for more`);
    this.name = 'QueueFull';
  }
}

/** Longer than {@link MAX_PUBLICATION_BYTES}. */
export class TooLong extends Error {
  constructor(readonly bytes: number) {
    super(`a publication of ${bytes} bytes is too long; ${MAX_PUBLICATION_BYTES} are taken`);
    this.name = 'TooLong';
  }
}

export class Queue {
  readonly #pushed = new Set<() => void>();
  /** One after the other, so that the bound holds. */
  #pushing: Promise<void> = Promise.resolve();

  constructor(private readonly shelf: Shelf) {}

  /** The queue of this name, of this page's origin. A queue belongs to one desktop. */
  static async open(name: string): Promise<Queue> {
    return new Queue(await DatabaseShelf.open(name));
  }

  /**
   * Puts a publication behind the others. When the promise is fulfilled it is on disk.
   * @throws QueueFull, TooLong; TypeError or DataCloneError for what cannot be sent or stored, such as a function
   */
  push(topic: string, args: unknown[] = [], { kwargs = {}, retain = false }: QueuedOptions = {}): Promise<void> {
    const pushed = this.#pushing.then(async () => {
      const bytes = new TextEncoder().encode(JSON.stringify([args, kwargs])).length;
      if (bytes > MAX_PUBLICATION_BYTES) throw new TooLong(bytes);
      if ((await this.shelf.count()) >= MAX_WAITING) throw new QueueFull();
      await this.shelf.add({ topic, args, kwargs, retain });
      for (const wake of this.#pushed) wake();
    });
    this.#pushing = pushed.catch(() => {});
    return pushed;
  }

  /** How many wait. */
  get length(): Promise<number> {
    return this.shelf.count();
  }

  /**
   * Delivers what waits, and what is pushed later, in its order, whenever there is a session. Other pages may do the same at
   * the same time.
   * @param onRefused gets what the desktop does not want
   * @param onFailed is told why nothing is delivered any more: {@link QueuesUnsupported}, or the `DOMException` of a database
   *   that cannot be used; on the console when left out. What waits goes on waiting, until `deliver` is called again
   * @returns the function that ends it; what waits then goes on waiting
   */
  deliver(desktop: Desktop, onRefused: (refused: RefusedPublication) => void = () => {}, onFailed: (error: unknown) => void = complain): () => void {
    let isOver = false;
    let wake = (): void => {};
    const news = (): Promise<void> => new Promise((resolve) => { wake = resolve; });
    const rouse = (): void => wake();
    this.#pushed.add(rouse);
    const leave = desktop.onStatus(rouse);
    const end = (): void => {
      isOver = true;
      this.#pushed.delete(rouse);
      leave();
      wake();
    };
    const run = async (): Promise<void> => {
      while (!isOver && desktop.status.at !== 'closed') {
        // Before anything is looked at, so that nothing is missed that comes meanwhile.
        const next = news();
        const first = desktop.status.at === 'open' ? await this.shelf.first() : undefined;
        if (first) await this.#send(desktop, first, onRefused);
        else await next;
      }
    };
    run().finally(end).catch(onFailed);
    return end;
  }

  /** Sends one, and is done when it was taken or refused, or when it is to be sent again. */
  async #send(desktop: Desktop, publication: Waiting, onRefused: (refused: RefusedPublication) => void): Promise<void> {
    const { number, topic, args, kwargs, retain } = publication;
    try {
      await desktop.publish(topic, args, kwargs, { retain, queue: { name: this.shelf.name, number } });
    } catch (error) {
      if (error instanceof QueuesUnsupported) throw error;
      const failure = CallFailed.from(error);
      // Nobody knows whether it has arrived: then it has its number.
      const isUnknown = failure.uri === OFFLINE || failure.uri === LOST || failure.uri === TIMEOUT;
      if (isUnknown && desktop.status.at !== 'open') return;
      if (isUnknown || failure.uri === 'wamp.error.unavailable') return void (await new Promise((resolve) => setTimeout(resolve, PAUSE_MS)));
      // Another page has delivered it meanwhile, and more after it, which is why this one was refused.
      if (!(await this.shelf.has(number))) return;
      await this.shelf.remove(number);
      // What the program throws there is its own failure, and no reason to keep the rest.
      return queueMicrotask(() => onRefused({ publication, failure }));
    }
    await this.shelf.remove(number);
  }
}

function complain(error: unknown): void {
  console.error('nothing that waits is delivered any more:', error);
}
