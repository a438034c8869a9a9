/** Namespaces, and the parts of a JID. */
export const NS = {
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  caps: 'http://jabber.org/protocol/caps',
  colibri: 'http://jitsi.org/protocol/colibri',
  delay: 'urn:xmpp:delay',
  disco: 'http://jabber.org/protocol/disco#info',
  dtls: 'urn:xmpp:jingle:apps:dtls:0',
  extdisco: 'urn:xmpp:extdisco:2',
  focus: 'http://jitsi.org/protocol/focus',
  framing: 'urn:ietf:params:xml:ns:xmpp-framing',
  group: 'urn:xmpp:jingle:apps:grouping:0',
  ice: 'urn:xmpp:jingle:transports:ice-udp:1',
  jingle: 'urn:xmpp:jingle:1',
  jingleErrors: 'urn:xmpp:jingle:errors:1',
  management: 'urn:xmpp:sm:3',
  move: 'urn:atoll:move:0',
  muc: 'http://jabber.org/protocol/muc',
  mucAdmin: 'http://jabber.org/protocol/muc#admin',
  mucUser: 'http://jabber.org/protocol/muc#user',
  muteAudio: 'http://jitsi.org/jitmeet/audio',
  muteScreen: 'http://jitsi.org/jitmeet/desktop',
  muteVideo: 'http://jitsi.org/jitmeet/video',
  nick: 'http://jabber.org/protocol/nick',
  ping: 'urn:xmpp:ping',
  rtcpFeedback: 'urn:xmpp:jingle:apps:rtp:rtcp-fb:0',
  rtp: 'urn:xmpp:jingle:apps:rtp:1',
  rtpExtensions: 'urn:xmpp:jingle:apps:rtp:rtp-hdrext:0',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  sources: 'urn:xmpp:jingle:apps:rtp:ssma:0',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  startMuted: 'http://jitsi.org/jitmeet/start-muted',
} as const;

export function bare(jid: string): string {
  const at = jid.indexOf('/');
  return at < 0 ? jid : jid.slice(0, at);
}

export function resource(jid: string): string {
  const at = jid.indexOf('/');
  return at < 0 ? '' : jid.slice(at + 1);
}

/**
 * The endpoint id of a client, which is its nick in every room: the first 8 hex digits of its JID. A server that
 * hands out other names gets a random one.
 */
export function endpointOf(jid: string, random: () => number = Math.random): string {
  const head = jid.slice(0, 8);
  if (/^[0-9a-f]{8}$/.test(head)) return head;
  return Math.floor(random() * 0x100000000).toString(16).padStart(8, '0');
}
