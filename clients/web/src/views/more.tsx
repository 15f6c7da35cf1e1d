// Everything that has no place in the bar.
import { Icon } from '../parts/icons.js';
import { type Screen, barOf } from '../screens.js';

export function MoreView({ screens }: { screens: Screen[] }) {
  const bar = barOf(screens);
  return (
    <ul class="list">
      {screens.filter((screen) => !bar.includes(screen)).map(({ route, title, icon }) => (
        <li key={route}>
          <a class="row" href={`#/${route}`} data-testid={`more-${route}`}>
            <Icon name={icon} />
            <span class="grow">{title}</span>
            <Icon name="next" />
          </a>
        </li>
      ))}
    </ul>
  );
}
