// Sends a value that changes faster than it can be sent: what is newest goes out at most every so often, one at a time,
// and the last always.

/** Between two calls of one control: ten a second are more than an eye follows, and leave the desktop room for others. */
export const INTERVAL_MS = 100;

/** What happens to the values. */
export interface Sink<T> {
  send(value: T): Promise<unknown>;
  /** What becomes of a value that waits when a newer one comes; the newer one alone when left out. */
  merge?(waiting: T, newer: T): T;
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

  /** Takes a value; the first goes at once. */
  push(value: T): void {
    const { merge } = this.sink;
    this.#next = { value: this.#next && merge ? merge(this.#next.value, value) : value };
    this.#pump();
  }

  /** Sends what waits without waiting longer, so that what is called next comes behind it. */
  flush(): void {
    if (this.#next) this.#send(this.#next.value);
  }

  /** Forgets what waits; what was sent stays sent. */
  stop(): void {
    this.#next = null;
  }

  #pump(): void {
    if (this.#next && !this.#isSending && this.#timer === null) this.#send(this.#next.value);
  }

  #send(value: T): void {
    this.#next = null;
    this.#isSending = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
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
