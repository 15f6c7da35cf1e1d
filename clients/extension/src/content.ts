// Runs in the pages of the user's list: says when a video is full screen there and when it is no more, and nothing else.
import type { FromPage } from './said.js';
import { STILL_MS } from './raised.js';

const MARK = '__deskconn_full_screen';

/** The shadow tree of an element, closed ones too where the browser lets extensions look. */
function shadowOf(element: Element): ShadowRoot | null {
  const { openOrClosedShadowRoot } = element as { openOrClosedShadowRoot?: ShadowRoot | null };
  if (openOrClosedShadowRoot !== undefined) return openOrClosedShadowRoot;
  const { dom } = chrome as { dom?: typeof chrome.dom };
  return dom && element instanceof HTMLElement ? dom.openOrClosedShadowRoot(element) : element.shadowRoot;
}

/** An element and everything in it, shadow trees included. */
function* within(element: Element): Generator<Element> {
  yield element;
  const shadow = shadowOf(element);
  for (const child of [...element.children, ...(shadow?.children ?? [])]) yield* within(child);
}

function isPlaying(element: Element): boolean {
  if (!(element instanceof HTMLVideoElement)) return false;
  return !element.paused && !element.ended && element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && element.videoWidth > 0;
}

/** A frame of another site, which cannot be looked into: who makes one full screen watches something. */
function isForeignFrame(element: Element): boolean {
  return element instanceof HTMLIFrameElement && element.contentDocument === null;
}

class Watcher {
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #look = (): void => this.look();

  start(): void {
    document.addEventListener('fullscreenchange', this.#look, true);
    // A video may begin to play when the page is full screen already. Events of media do not bubble, but can be captured.
    document.addEventListener('playing', this.#look, true);
    // A page that is left, or kept for going back, shows nothing.
    globalThis.addEventListener('pagehide', () => this.#end());
    this.look();
  }

  look(): void {
    const element = document.fullscreenElement;
    if (!element) return this.#end();
    if (this.#timer !== undefined) return;
    let isWatched = isForeignFrame(element);
    for (const inside of within(element)) {
      isWatched ||= isPlaying(inside);
      // What plays in a shadow tree is not heard of outside it.
      shadowOf(inside)?.addEventListener('playing', this.#look, true);
    }
    if (isWatched) this.#begin();
  }

  #begin(): void {
    this.#timer = setInterval(() => this.#say('still'), STILL_MS);
    this.#say('began');
  }

  #end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#say('ended');
  }

  #say(kind: FromPage['kind']): void {
    // Where the extension was removed or is a newer one by now, this script is nobody's.
    if (!chrome.runtime?.id) return clearInterval(this.#timer);
    chrome.runtime.sendMessage({ kind } satisfies FromPage).catch(() => {});
  }
}

// It is put into open tabs too when a site is added, where it may be already.
const world = globalThis as unknown as Record<string, boolean>;
if (!world[MARK]) {
  world[MARK] = true;
  new Watcher().start();
}
