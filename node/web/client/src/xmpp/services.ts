/** The server's TURN servers (XEP-0215), for people whose network lets no UDP through. */
import { NS } from './names';
import { attribute, child, children, x } from './xml';

export function servicesIq(domain: string): Element {
  return x('iq', { xmlns: 'jabber:client', to: domain, type: 'get' }, x('services', { xmlns: NS.extdisco }));
}

/** STUN servers are left out: the node sees our address in our checks. */
export function readServices(iq: Element): RTCIceServer[] {
  const services = child(iq, 'services', NS.extdisco);
  if (!services) return [];
  const servers: RTCIceServer[] = [];
  for (const service of children(services, 'service')) {
    const type = attribute(service, 'type');
    const host = attribute(service, 'host');
    if ((type !== 'turn' && type !== 'turns') || host === '') continue;
    const port = attribute(service, 'port');
    const transport = attribute(service, 'transport');
    const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    servers.push({
      urls: `${type}:${address}${port ? `:${port}` : ''}${transport ? `?transport=${transport}` : ''}`,
      username: attribute(service, 'username'),
      credential: attribute(service, 'password'),
    });
  }
  return servers.slice(0, 4);
}
