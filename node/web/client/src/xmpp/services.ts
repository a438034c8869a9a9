/** The server's TURN servers (XEP-0215), for people whose network lets no UDP through. */
import { NS } from './names';
import { attribute, child, children, x } from './xml';

export function servicesIq(domain: string): Element {
  return x('iq', { xmlns: 'jabber:client', to: domain, type: 'get' }, x('services', { xmlns: NS.extdisco }));
}

/** Two nodes by UDP, TCP and TLS in two families; a browser tries every one. */
const MOST_WAYS = 10;

/**
 * STUN servers are left out: the node sees our address in our checks. The order is the server's: browsers keep the pairs of the
 * first relay only.
 */
export function readServices(iq: Element): RTCIceServer[] {
  const services = child(iq, 'services', NS.extdisco);
  if (!services) return [];
  const servers: (RTCIceServer & { urls: string[] })[] = [];
  let ways = 0;
  for (const service of children(services, 'service')) {
    const type = attribute(service, 'type');
    const host = attribute(service, 'host');
    if ((type !== 'turn' && type !== 'turns') || host === '') continue;
    const port = attribute(service, 'port');
    const transport = attribute(service, 'transport');
    const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    if (++ways > MOST_WAYS) break;
    const url = `${type}:${address}${port ? `:${port}` : ''}${transport ? `?transport=${transport}` : ''}`;
    const username = attribute(service, 'username');
    const credential = attribute(service, 'password');
    const last = servers.at(-1);
    if (last?.username === username && last.credential === credential) last.urls.push(url);
    else servers.push({ urls: [url], username, credential });
  }
  return servers;
}
