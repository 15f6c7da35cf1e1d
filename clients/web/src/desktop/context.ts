// The desktop as components use it: whether it is there, what it last said of itself, and calls whose failure is told.
import type { Desktop, Info, Status } from '@deskconn/client';
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';

export interface Connection {
  desktop: Desktop;
  status: Status;
  /** What the desktop said last, perhaps over a connection that is gone; `null` until it has said something. */
  info: Info | null;
  /** Whether the connection works: nothing may be called or shown as live otherwise. */
  isOpen: boolean;
  /** When the connection was last known to work. */
  heardAt: Date | null;
}

export const ConnectionContext = createContext<Connection | null>(null);

/** The connection of the page; only below {@link ConnectionContext}. */
export function useDesktop(): Connection {
  const connection = useContext(ConnectionContext);
  if (!connection) throw new Error('this component is drawn only where there is a desktop');
  return connection;
}

/** Tells whether this device may call a procedure, named without `org.deskconn.`. */
export function useMay(): (name: string) => boolean {
  const { info } = useDesktop();
  return (name) => info?.procedures.includes(`org.deskconn.${name}`) ?? false;
}

/** Follows a desktop. */
export function useConnection(desktop: Desktop): Connection {
  const [status, setStatus] = useState(desktop.status);
  const [info, setInfo] = useState(desktop.info);
  const [heardAt, setHeardAt] = useState<Date | null>(null);
  useEffect(() => {
    let wasOpen = false;
    const endStatus = desktop.onStatus((next) => {
      if (wasOpen || next.at === 'open') setHeardAt(new Date());
      wasOpen = next.at === 'open';
      setStatus(next);
    });
    const endInfo = desktop.onInfo((next) => {
      if (next) setInfo(next);
    });
    return () => {
      endStatus();
      endInfo();
    };
  }, [desktop]);
  return { desktop, status, info, isOpen: status.at === 'open', heardAt };
}
