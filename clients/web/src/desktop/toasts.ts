// Short messages at the foot of the page. One list for the page, so that any code can say something.

/** Failures stay long enough to be read aloud twice; the person can close them earlier. */
export const BAD_MS = 8000;
/** That something worked is seen in passing. */
export const GOOD_MS = 3000;
/** More than that hide the controls. */
const MAX_TOASTS = 3;

export interface Toast {
  id: number;
  tone: 'good' | 'bad' | 'wait';
  text: string;
  /** Ends what is waited for. */
  onCancel?: () => void;
}

let toasts: Toast[] = [];
let lastId = 0;
const listeners = new Set<(toasts: Toast[]) => void>();

function set(next: Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener(toasts);
}

/** Shows a message and gives what takes it away; the same text is not shown twice. */
export function say(tone: Toast['tone'], text: string, onCancel?: () => void): () => void {
  lastId += 1;
  const id = lastId;
  // What worked before is no news any more.
  const others = toasts.filter((toast) => toast.tone === 'wait' || (toast.tone === 'bad' && toast.text !== text));
  set([...others, { id, tone, text, ...(onCancel ? { onCancel } : {}) }].slice(-MAX_TOASTS));
  const dismiss = (): void => set(toasts.filter((toast) => toast.id !== id));
  if (tone !== 'wait') setTimeout(dismiss, tone === 'bad' ? BAD_MS : GOOD_MS);
  return dismiss;
}

/** Takes a message away. */
export function dismiss(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

/** Calls with the messages now and whenever they change. */
export function onToasts(listener: (toasts: Toast[]) => void): () => void {
  listeners.add(listener);
  listener(toasts);
  return () => void listeners.delete(listener);
}
