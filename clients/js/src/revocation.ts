// What the desktop takes away of what it has granted (WAMP specification, "Subscription Revocation" and "Registration
// Revocation"): how a HELLO says that it is understood, what such a message says, and how wampy forgets. Wampy knows neither.
import type { Wampy } from 'wampy';
import { isDict } from './failure.js';
import { isCount } from './resumption.js';

export const UNSUBSCRIBED = 35, UNREGISTERED = 67;

export interface Revocation {
  what: 'subscription' | 'registration';
  /** What the desktop called it. */
  id: number;
  /** Why, as a URI; `null` where that is not said. */
  reason: string | null;
}

/** Told that something is taken away, and why if that is said. */
export type Revoked = (reason: string | null) => void;

/** The roles of a HELLO, with what makes the desktop tell: it says nothing to who would not understand. */
export function announced(roles: unknown): Record<string, unknown> {
  const known = isDict(roles) ? roles : {};
  const feature = (role: string, name: string): Record<string, unknown> => {
    const own = isDict(known[role]) ? known[role] : {};
    const features = isDict(own['features']) ? own['features'] : {};
    return { [role]: { ...own, features: { ...features, [name]: true } } };
  };
  return { ...known, ...feature('subscriber', 'subscription_revocation'), ...feature('callee', 'registration_revocation') };
}

/** Reads an UNSUBSCRIBED or UNREGISTERED; `null` for one that answers a request. */
export function revocationOf([kind, request, details]: unknown[]): Revocation | null {
  if (request !== 0 || !isDict(details)) return null;
  const what = kind === UNSUBSCRIBED ? 'subscription' : 'registration';
  const { [what]: id, reason } = details;
  return isCount(id) ? { what, id, reason: typeof reason === 'string' ? reason : null } : null;
}

/** What wampy holds of a subscription or a registration. */
interface Held {
  id: number;
  callbacks: object[];
}

/**
 * Has wampy forget it, and gives the callbacks that it had. Else it would take what is asked for again for something that
 * stands, and not ask. That it holds these the compiler sees; a subscription is held once for each set of its options.
 */
export function forget(wampy: Wampy, { what, id }: Revocation): object[] {
  const callbacks: object[] = [];
  const isIt = (held: Held | undefined): held is Held => held?.id === id && callbacks.push(...held.callbacks) >= 0;
  if (what === 'subscription') {
    const byKey = wampy['_subscriptionsByKey'] as Map<string, Held>;
    for (const [key, held] of byKey) if (isIt(held)) byKey.delete(key);
    (wampy['_subscriptionsById'] as Map<number, Held>).delete(id);
  } else {
    const held = wampy['_rpcRegs'] as Record<string, Held>;
    const names = wampy['_rpcNames'] as Set<string>;
    for (const uri of names) if (isIt(held[uri])) names.delete(uri) && delete held[uri];
    delete held[id];
  }
  return callbacks;
}
