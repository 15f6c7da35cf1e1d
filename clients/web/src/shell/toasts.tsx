// Short messages: announced, closable, and gone by themselves. At the head, since thumbs and their buttons are at the foot.
import { useEffect, useState } from 'preact/hooks';
import { type Toast, dismiss, onToasts } from '../desktop/toasts.js';
import { Icon } from '../parts/icons.js';

export function Toasts() {
  const [toasts, setToasts] = useState<Toast[]>([]);
  useEffect(() => onToasts(setToasts), []);
  return (
    <div class="toasts" role="status" aria-live="assertive" data-testid="toasts">
      {toasts.map(({ id, tone, text, onCancel }) => (
        <div key={id} class={`toast ${tone}`} data-testid={`toast-${tone}`}>
          {tone === 'wait' && <span class="spinner small" aria-hidden="true" />}
          <span class="grow">{text}</span>
          {onCancel && <button type="button" class="link" onClick={onCancel}>Cancel</button>}
          {tone !== 'wait' && (
            <button type="button" class="square quiet" aria-label="Close the message" onClick={() => dismiss(id)}>
              <Icon name="close" />
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
