/** What this client is and can do: XEP-0030 answers and the XEP-0115 hash over them. */
import { sha1 } from './sha1';
import { NS } from './names';
import { x } from './xml';

export interface Identity {
  category: string;
  type: string;
  lang?: string;
  name: string;
}

export const NODE = 'https://github.com/atoll-mesh/atoll';

export const IDENTITIES: readonly Identity[] = [{ category: 'client', type: 'web', name: 'Atoll' }];

/** ssrc-rewriting-1 says: no participant's sources in the offer, they come as maps on the bridge channel. */
export const FEATURES: readonly string[] = [
  NS.caps,
  NS.disco,
  'http://jitsi.org/json-encoded-sources',
  'http://jitsi.org/receive-multiple-video-streams',
  'http://jitsi.org/source-name',
  'http://jitsi.org/ssrc-rewriting-1',
  'http://jitsi.org/tcc',
  'urn:ietf:rfc:4588',
  NS.jingle,
  NS.dtls,
  NS.rtp,
  'urn:xmpp:jingle:apps:rtp:audio',
  'urn:xmpp:jingle:apps:rtp:video',
  NS.ice,
  NS.ping,
];

/** The verification string of XEP-0115 section 5.1 (without forms), base64. */
export function capsHash(identities: readonly Identity[], features: readonly string[]): string {
  const who = identities.map((i) => `${i.category}/${i.type}/${i.lang ?? ''}/${i.name}<`).sort();
  const what = features.map((f) => `${f}<`).sort();
  return btoa(String.fromCharCode(...sha1(who.join('') + what.join(''))));
}

export const VERSION = capsHash(IDENTITIES, FEATURES);

export function capsElement(): Element {
  return x('c', { xmlns: NS.caps, hash: 'sha-1', node: NODE, ver: VERSION });
}

/** The query element that answers a disco#info request; undefined for a node we do not have. */
export function discoAnswer(node: string): Element | undefined {
  if (node !== '' && node !== NODE && node !== `${NODE}#${VERSION}`) return undefined;
  return x(
    'query',
    { xmlns: NS.disco, node: node === '' ? undefined : node },
    ...IDENTITIES.map((i) => x('identity', { category: i.category, type: i.type, name: i.name })),
    ...FEATURES.map((f) => x('feature', { var: f })),
  );
}
