// Sends a value that changes faster than it can be sent: the newest one goes out at most every so often, one at a time,
// and the last always.

/** Between two calls of one control: ten a second are more than an eye follows, and leave the desktop room for others. */
export const INTERVAL_MS = 100;

/** What happens to the values. */
export interface Sink<T> {
  send(value: T): Promise<unknown>;
  /** Nothing is under way any more. */
  onIdle?(): void;
}

export class Latest<T> {
  #next: { value: T } | null = null;
  #isSending = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly sink: Sink<T>, private readonly intervalMs = INTERVAL_MS) {}

  /** Whether something waits or is on its way. */
  get isBusy(): boolean {
    return this.#next !== null || this.#isSending || this.#timer !== null;
  }

  /** Takes the newest value in the place of the one that waits. */
  push(value: T): void {
    this.#next = { value };
    this.#pump();
  }

  /** Forgets what waits; what was sent stays sent. */
  stop(): void {
    this.#next = null;
  }

  #pump(): void {
    if (this.#isSending || this.#timer !== null || this.#next === null) return;
    const { value } = this.#next;
    this.#next = null;
    this.#isSending = true;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#settle();
    }, this.intervalMs);
    const done = (): void => {
      this.#isSending = false;
      this.#settle();
    };
    this.sink.send(value).then(done, done);
  }

  #settle(): void {
    this.#pump();
    if (!this.isBusy) this.sink.onIdle?.();
  }
}
