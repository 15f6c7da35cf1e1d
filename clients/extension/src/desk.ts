// The connection to the desktop: there while somebody needs it, and only then, so that the browser may put the worker to sleep.
import { Desktop, type Info, type Status } from '@deskconn/client';
import type { Screen } from './follower.js';
import type { Display } from './raised.js';
import { type Pairing, pairing } from './settings.js';

export const BRIGHTNESS = 'org.deskconn.brightness';
export const LOCK = 'org.deskconn.screen.lock';

export interface Listeners {
  /** How it stands has changed. */
  onStatus: () => void;
  /** A display is brighter or darker, whoever did it. */
  onBrightness: () => void;
}

export class Desk implements Screen {
  #desktop: Desktop | null = null;
  #isWanted = false;
  #opening: Promise<void> | null = null;

  constructor(private readonly listeners: Listeners) {}

  get isOpen(): boolean {
    return this.#desktop?.status.at === 'open';
  }

  get status(): Status | null {
    return this.#desktop?.status ?? null;
  }

  get info(): Info | null {
    return this.#desktop?.info ?? null;
  }

  /** Connects, or lets go. */
  want(isWanted: boolean): void {
    this.#isWanted = isWanted;
    if (!isWanted) return this.#close();
    if (!this.#desktop) this.#opening ??= pairing().then((kept) => this.#open(kept)).finally(() => { this.#opening = null; });
  }

  /** This browser was paired, or forgot its desktop. */
  async changed(): Promise<void> {
    const isWanted = this.#isWanted;
    await this.#opening;
    this.#close();
    this.want(isWanted);
    if (!(await pairing())) this.listeners.onStatus();
  }

  retry(): void {
    this.#desktop?.retry();
    this.#desktop?.wake();
  }

  async displays(): Promise<Display[]> {
    return (await this.#call(`${BRIGHTNESS}.displays`)) as Display[];
  }

  async set(id: string, percent: number): Promise<number> {
    return Number(await this.#call(`${BRIGHTNESS}.set`, percent, id));
  }

  async lock(): Promise<void> {
    await this.#call(LOCK);
  }

  async #call(uri: string, ...args: unknown[]): Promise<unknown> {
    if (!this.#desktop) throw new Error('nobody asked for the desktop');
    return (await this.#desktop.call(uri, args)).args[0];
  }

  #open(kept: Pairing | null): void {
    if (!kept || !this.#isWanted || this.#desktop) return;
    const { membership, address } = kept;
    // It is connected only while a page needs it, though nobody ever sees the page that this runs in.
    this.#desktop = new Desktop(membership, { address, isWatched: () => true });
    this.#desktop.onStatus(() => this.listeners.onStatus());
    this.#desktop.onInfo(() => this.listeners.onStatus());
    const onBrightness = (): void => this.listeners.onBrightness();
    // What changed before it stood again was not told.
    this.#desktop.subscribe(`${BRIGHTNESS}.on_changed`, onBrightness, { onStands: onBrightness });
  }

  #close(): void {
    const desktop = this.#desktop;
    this.#desktop = null;
    desktop?.close();
  }
}
