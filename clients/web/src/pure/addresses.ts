// Which addresses the app sends a person to: those of a network at home, never one out in the world, whatever a
// stranger's list of desktops says.

/** The longest host in characters: a DNS name (RFC 1035, section 2.3.4). */
export const MAX_HOST_CHARS = 253;

/** Whether a host is this computer, of a private network (RFC 1918, RFC 4193), link-local (RFC 3927, RFC 4291) or a `.local` name (RFC 6762). */
export function isNearby(host: string): boolean {
  if (host.length === 0 || host.length > MAX_HOST_CHARS) return false;
  const numbers = ipv4(host);
  if (numbers) return isNearbyV4(numbers);
  if (host.includes(':')) return isNearbyV6(host.toLowerCase());
  return host.toLowerCase() === 'localhost' || isLocalName(host);
}

/** Whether a host is an IP address rather than a name. */
export function isAddress(host: string): boolean {
  return ipv4(host) !== null || host.includes(':');
}

/** Whether a host is this computer itself. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || host === '::1' || ipv4(host)?.[0] === 127;
}

/** Whether it is a name that mDNS answers for. */
export function isLocalName(host: string): boolean {
  return /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+local$/i.test(host);
}

/** Where the page of a desktop is; `null` when the app does not go there. */
export function pageOf(host: string, port: number): string | null {
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65535;
  return isPort && isNearby(host) ? `http://${inUrl(host)}:${port}/` : null;
}

/** A host as it stands in a URL: IPv6 addresses in brackets. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** The place of the page itself; `hostname` as `location` has it, with the brackets of IPv6. */
export function placeOf(at: { hostname: string; port: string; protocol?: string }): { host: string; port: number } {
  const byDefault = at.protocol === 'https:' ? 443 : 80;
  return { host: at.hostname.replace(/^\[(.*)\]$/, '$1'), port: at.port ? Number(at.port) : byDefault };
}

/** The host of `host:port` or `[host]:port`, as the desktop tells addresses; what has no port is one already. */
export function hostOf(address: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(address);
  if (bracketed) return bracketed[1]!;
  return /^[^:]*:\d+$/.test(address) ? address.slice(0, address.lastIndexOf(':')) : address;
}

/** The best of several hosts: a name when the page itself has come from one, since names survive new addresses; else an address. */
export function bestHost(hosts: readonly string[], pageHost: string): string | null {
  const near = hosts.filter(isNearby);
  const preferred = isLocalName(pageHost) ? near.find(isLocalName) : near.find((host) => ipv4(host) !== null);
  return preferred ?? near[0] ?? null;
}

function ipv4(host: string): number[] | null {
  // Four decimal numbers and nothing else: browsers also read 127.1 and 0x7f.1, which are no addresses to show to people.
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)?.slice(1);
  if (!parts || parts.some((part) => Number(part) > 255 || String(Number(part)) !== part)) return null;
  return parts.map(Number);
}

function isNearbyV4([first, second]: number[]): boolean {
  if (first === 10 || first === 127) return true;
  if (first === 172) return second! >= 16 && second! <= 31;
  return (first === 192 && second === 168) || (first === 169 && second === 254);
}

function isNearbyV6(host: string): boolean {
  if (!/^[0-9a-f:]+$/.test(host)) return false;
  try {
    new URL(`http://[${host}]/`);
  } catch {
    return false;
  }
  const first = parseInt(host.split(':')[0] || '0', 16);
  return host === '::1' || (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80;
}
