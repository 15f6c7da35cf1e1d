// A question before something that cannot be taken back.
import { useEffect, useId, useRef } from 'preact/hooks';

interface Props {
  title: string;
  text: string;
  /** The button that does it. */
  doIt: string;
  onDo: () => void;
  onClose: () => void;
}

export function Question({ title, text, doIt, onDo, onClose }: Props) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="question" aria-labelledby={id} onClose={onClose} data-testid="question">
      <h2 id={id}>{title}</h2>
      <p>{text}</p>
      <div class="buttons">
        {/* The first has the focus: what is pressed by accident does nothing. */}
        <button type="button" class="button plain" data-testid="question-no" onClick={() => dialog.current?.close()}>Cancel</button>
        <button
          type="button"
          class="button main danger"
          data-testid="question-yes"
          onClick={() => {
            onDo();
            dialog.current?.close();
          }}
        >
          {doIt}
        </button>
      </div>
    </dialog>
  );
}
