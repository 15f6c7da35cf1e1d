// Pairing over a WebSocket: carries the frames of a Joiner, keeps the time, and knows when it is over.
import { MAX_FRAME_BYTES, encodeError } from './messages.js';
import { type Introduction, type Joined, Joiner, PairingError, type Secret, type Sight } from './pairing.js';

/** For each step but the owner's: the desktop itself gives the arithmetic ten seconds in all. */
export const STEP_MS = 10_000;
/** For the owner's answer: the desktop asks for a minute. */
export const APPROVAL_MS = 70_000;

export interface PairOptions {
  secret: Secret;
  me: Introduction;
  sight?: Sight;
  /** The secret was right: show that the desktop is asking, and the fingerprint that may be compared. */
  onWaiting?: (desktop: string, fingerprint: string) => void;
  /** Keeps the record. Called before the desktop stores the device; when it fails, nobody is paired. */
  store: (joined: Joined) => void | Promise<void>;
  /** Forgets a record that was kept, because the desktop could not store the device. */
  forget?: () => void | Promise<void>;
  /** How long to wait for the desktop instead of {@link STEP_MS}, and for its owner instead of {@link APPROVAL_MS}. */
  times?: { stepMs?: number; approvalMs?: number } | undefined;
}

/** What of a WebSocket is used. It must be new: opened with the subprotocol `deskconn.pair.1` at `/pair`. */
export interface FrameSocket {
  binaryType: string;
  readonly readyState: number;
  send(frame: Uint8Array): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
  removeEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  removeEventListener(type: 'close', listener: (event: { code: number }) => void): void;
  removeEventListener(type: 'error', listener: () => void): void;
}

/**
 * Pairs over a socket and closes it. Gives the record when the desktop has stored the device.
 * @throws PairingError, or what `store` threw
 */
export async function pairOver(socket: FrameSocket, options: PairOptions): Promise<Joined> {
  socket.binaryType = 'arraybuffer';
  // Some libraries throw an error that nobody listens to, and one may come after the end, of closing too early.
  socket.addEventListener('error', () => {});
  const { secret } = options;
  if ('link' in secret && Date.now() / 1000 >= secret.link.expires) {
    socket.close();
    throw new PairingError('link_expired');
  }
  const { stepMs = STEP_MS, approvalMs = APPROVAL_MS } = options.times ?? {};
  const inbox = new Inbox(socket);
  let kept = false;
  try {
    const joiner = new Joiner(secret, options.me, options.sight);
    let wait = stepMs;
    for (;;) {
      const frame = await inbox.next(wait);
      wait = stepMs;
      const progress = joiner.receive(frame);
      if (progress.step === 'send') socket.send(progress.frame);
      else if (progress.step === 'waiting') {
        wait = approvalMs;
        options.onWaiting?.(progress.desktop, progress.fingerprint);
      } else if (progress.step === 'paired') {
        await options.store(progress.joined);
        kept = true;
        socket.send(progress.frame);
        await confirmed(inbox, joiner, stepMs);
        return progress.joined;
      } else {
        if (progress.frame) socket.send(progress.frame);
        throw progress.error;
      }
    }
  } catch (error) {
    if (!(error instanceof PairingError) && socket.readyState === 1) socket.send(encodeError('mismatch'));
    if (kept) await options.forget?.();
    throw error;
  } finally {
    inbox.end();
    socket.close();
  }
}

/** Waits for the desktop to close normally, which says that the device is stored. */
async function confirmed(inbox: Inbox, joiner: Joiner, stepMs: number): Promise<void> {
  try {
    const progress = joiner.receive(await inbox.next(stepMs));
    throw progress.step === 'failed' ? progress.error : new PairingError('malformed');
  } catch (error) {
    if (!(error instanceof ClosedNormally)) throw error;
  }
}

/** The desktop closed the connection with 1000; before `done` that is as bad as any other end. */
class ClosedNormally extends PairingError {
  constructor() {
    super('gone');
  }
}

/** Frames in their order, and the end after the last. */
class Inbox {
  readonly #frames: Uint8Array[] = [];
  #end: PairingError | null = null;
  #wake: (() => void) | null = null;

  constructor(private readonly socket: FrameSocket) {
    socket.addEventListener('message', this.#onMessage);
    socket.addEventListener('close', this.#onClose);
    socket.addEventListener('error', this.#onError);
  }

  readonly #onMessage = ({ data }: { data: unknown }): void => {
    const frame = data instanceof ArrayBuffer ? new Uint8Array(data) : null;
    // The desktop speaks in turns: two frames wait at most, an answer and an error behind it.
    if (!frame || frame.length > MAX_FRAME_BYTES || this.#frames.length >= 2) this.#finish(new PairingError('malformed'));
    else if (!this.#end) this.#frames.push(frame);
    this.#wake?.();
  };
  readonly #onClose = (event: { code: number }): void => this.#finish(event.code === 1000 ? new ClosedNormally() : new PairingError('gone'));
  readonly #onError = (): void => this.#finish(new PairingError('gone'));

  #finish(end: PairingError): void {
    this.#end ??= end;
    this.#wake?.();
  }

  async next(timeoutMs: number): Promise<Uint8Array> {
    if (this.#frames.length === 0 && !this.#end) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.#finish(new PairingError('timeout')), timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          this.#wake = null;
          resolve();
        };
      });
    }
    const frame = this.#frames.shift();
    if (frame) return frame;
    throw this.#end ?? new PairingError('gone');
  }

  end(): void {
    this.socket.removeEventListener('message', this.#onMessage);
    this.socket.removeEventListener('close', this.#onClose);
    this.socket.removeEventListener('error', this.#onError);
  }
}
