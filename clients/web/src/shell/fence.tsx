// A fence around a view: what a desktop of another version answers may surprise one screen, and must not take the others,
// nor the words about the connection, with it.
import { Component, type ComponentChildren } from 'preact';

interface Props {
  children: ComponentChildren;
}

export class Fence extends Component<Props, { isBroken: boolean }> {
  override state = { isBroken: false };

  static override getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  override render({ children }: Props) {
    if (!this.state.isBroken) return children;
    return (
      <section class="card bad" role="alert" data-testid="broken-view">
        <h2>This screen cannot be shown</h2>
        <p>The desktop answered something that the app does not understand. Reload the page; if it stays like this, update deskconn on the desktop.</p>
        <button type="button" class="button" onClick={() => this.setState({ isBroken: false })}>Try again</button>
      </section>
    );
  }
}
