// Desktops to go to. Each has its page at its own address, where its keys are; what is said of them is shown with that.
import { useMemo } from 'preact/hooks';
import { Icon } from '../parts/icons.js';
import { inUrl, pageOf } from '../pure/addresses.js';
import { type KnownDesktop, encodeDesktops } from '../pure/desktops.js';

interface Props {
  desktops: readonly KnownDesktop[];
  /** The list that travels along. */
  known: readonly KnownDesktop[];
  onDrop?: (id: string) => void;
}

export function DesktopList({ desktops, known, onDrop }: Props) {
  const carried = useMemo(() => encodeDesktops(known), [known]);
  return (
    <ul class="list" data-testid="desktop-list">
      {desktops.map(({ id, name, host, port, paired }) => {
        const page = pageOf(host, port);
        return page && (
          <li key={id} class="row-pair">
            <a class="row grow" href={`${page}#d=1.${carried}`} data-testid={`desktop-${id}`}>
              <Icon name="desktops" />
              <span class="grow">
                {name}
                <small class="muted block">{inUrl(host)}:{port}{paired ? ' · paired' : ''}</small>
              </span>
              <Icon name="next" />
            </a>
            {onDrop && (
              <button type="button" class="square quiet" aria-label={`Take ${name} off the list`} onClick={() => onDrop(id)}>
                <Icon name="close" />
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
