// Carries out what `raised.ts` decides, one thing after the other, and keeps what must not be forgotten. It knows neither the
// browser nor the desktop but through what it is given.
import { CallFailed, LOST, OFFLINE, TIMEOUT } from '@deskconn/client';
import { type Display, type Memory, type Wish, decide, isAtRest, wasSet } from './raised.js';

export interface Store {
  memory(): Promise<Memory>;
  keep(memory: Memory): Promise<void>;
  wish(): Promise<Wish>;
}

export interface Screen {
  /** Whether there is a connection to the desktop now. */
  readonly isOpen: boolean;
  displays(): Promise<Display[]>;
  /** Gives the percent that the display has now. */
  set(id: string, percent: number): Promise<number>;
}

export class Follower {
  #last: Promise<unknown> = Promise.resolve();

  /** `onNeed` hears after each step whether a desktop is needed. */
  constructor(private readonly store: Store, private readonly screen: Screen, private readonly onNeed: (isNeeded: boolean) => void) {}

  /** Changes what is remembered, then does what follows from it. */
  follow(change: (memory: Memory) => Memory = (memory) => memory): Promise<void> {
    const turn = this.#last.then(() => this.#step(change));
    // The next one goes on whatever became of this one.
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #step(change: (memory: Memory) => Memory): Promise<void> {
    const before = await this.store.memory();
    const memory = change(before);
    if (JSON.stringify(memory) !== JSON.stringify(before)) await this.store.keep(memory);
    this.onNeed(!isAtRest(memory));
    if (isAtRest(memory) || !this.screen.isOpen) return;
    try {
      await this.#look(memory);
    } catch (error) {
      if (!isSilence(error)) throw error;
    }
    this.onNeed(!isAtRest(await this.store.memory()));
  }

  async #look(memory: Memory): Promise<void> {
    const { memory: next, sets, returns } = decide(memory, await this.screen.displays(), await this.store.wish());
    if (!returns) await this.store.keep(next);
    let kept = next;
    for (const { id, percent } of sets) {
      const now = await this.#set(id, percent);
      if (returns) continue;
      kept = wasSet(kept, id, now);
      await this.store.keep(kept);
    }
    if (returns) await this.store.keep(next);
  }

  /** The percent that it has now, or `null` where the desktop says that it cannot be set. */
  async #set(id: string, percent: number): Promise<number | null> {
    try {
      return await this.screen.set(id, percent);
    } catch (error) {
      if (isSilence(error) || !(error instanceof CallFailed)) throw error;
      console.warn(`deskconn: ${error.message}`);
      return null;
    }
  }
}

/** The connection is gone, and what was under way will be looked at again when there is another. */
function isSilence(error: unknown): boolean {
  return error instanceof CallFailed && [OFFLINE, LOST, TIMEOUT].includes(error.uri);
}
