// What this desktop lacks for a screen, and the step that mends it, instead of controls that do nothing.
import { useDesktop } from '../desktop/context.js';
import { Icon } from '../parts/icons.js';
import { sentence } from '../pure/text.js';

/** The desktop's functions as people call them. */
export const FUNCTIONS: Record<string, string> = {
  slides: 'Slides', screen: 'Screen lock', brightness: 'Brightness', media: 'Players', volume: 'Volume', pointer: 'Pointer', keyboard: 'Keyboard',
  gpio: 'Switches', host: 'Figures of the computer', battery: 'Battery', power: 'Power', command: 'Commands', notify: 'Messages', url: 'Opening pages',
};

export function Missing({ functions }: { functions: readonly string[] }) {
  const { info } = useDesktop();
  const missing = functions.filter((name) => isMissing(info?.missing, name));
  return (
    <>
      {missing.map((name) => (
        <section class="card bad" key={name} data-testid={`missing-${name}`}>
          <h2><Icon name="warning" /> {FUNCTIONS[name] ?? name}: not on this desktop now</h2>
          <p>{sentence(String(info!.missing[name]))}</p>
        </section>
      ))}
    </>
  );
}

/** Whether a function lacks something. */
export function isMissing(missing: Record<string, string> | undefined, name: string): boolean {
  return missing !== undefined && Object.hasOwn(missing, name);
}

/** Whether this device may use a function here, and the desktop has what it takes. */
export function useHas(name: string): boolean {
  const { info } = useDesktop();
  const isGranted = info?.procedures.some((uri) => uri.startsWith(`org.deskconn.${name}.`)) ?? false;
  return isGranted && !isMissing(info?.missing, name);
}
