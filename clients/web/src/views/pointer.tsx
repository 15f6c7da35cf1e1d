// The pointer as a touch pad, and the keyboard as a text field and keys.
import { useHas } from '../shell/missing.js';
import { Keyboard } from './keyboard.js';
import { Pad } from './pad.js';

export function PointerView() {
  const [hasPointer, hasKeyboard] = [useHas('pointer'), useHas('keyboard')];
  return (
    <>
      {hasPointer && <Pad />}
      {hasKeyboard && <Keyboard />}
    </>
  );
}
