/** A Jingle session-initiate as a value. */
import { NS } from '../xmpp/names';
import { attribute, child, children, text } from '../xmpp/xml';

export interface Feedback {
  type: string;
  subtype: string;
}

export interface PayloadType {
  id: number;
  name: string;
  clockrate: number;
  channels: number;
  /** as they go into a=fmtp: `name=value`, or a bare value */
  parameters: readonly string[];
  feedback: readonly Feedback[];
}

export interface Extension {
  id: number;
  uri: string;
}

export interface Description {
  /** the content's name */
  name: string;
  payloads: readonly PayloadType[];
  extensions: readonly Extension[];
  mixed: boolean;
}

export interface Candidate {
  foundation: string;
  component: string;
  protocol: string;
  priority: string;
  ip: string;
  port: string;
  type: string;
  relatedAddress: string;
  relatedPort: string;
  tcpType: string;
}

export interface Transport {
  ufrag: string;
  pwd: string;
  fingerprint: { hash: string; value: string; setup: string };
  candidates: readonly Candidate[];
  /** URL of the bridge channel, '' when there is none */
  channel: string;
  /** scheme and host of the WebSockets of the node that the transport is of, '' when it is the one that we speak with */
  socket: string;
  /** counts in-place ICE restarts; 0 in an offer */
  generation: number;
}

export interface Offer {
  sid: string;
  initiator: string;
  audio: Description;
  video: Description;
  transport: Transport;
  /** id of the bridge's session, named when a restart is asked for */
  bridgeSession: string;
  startMuted: { audio: boolean; video: boolean };
}

/** Reads an offer; throws an Error that says what is missing. */
export function readOffer(jingle: Element): Offer {
  const contents = children(jingle, 'content');
  const described = (media: string): [Element, Element] => {
    for (const content of contents) {
      const description = child(content, 'description', NS.rtp);
      if (description && attribute(description, 'media') === media) return [content, description];
    }
    throw new Error(`offer without ${media}`);
  };
  const [audio, audioDescription] = described('audio');
  const [video, videoDescription] = described('video');
  const transport = child(audio, 'transport', NS.ice) ?? child(video, 'transport', NS.ice);
  if (!transport) throw new Error('offer without transport');
  const bridge = child(jingle, 'bridge-session', NS.focus);
  const muted = child(jingle, 'startmuted', NS.startMuted);
  return {
    sid: attribute(jingle, 'sid'),
    initiator: attribute(jingle, 'initiator'),
    audio: readDescription(attribute(audio, 'name'), audioDescription),
    video: readDescription(attribute(video, 'name'), videoDescription),
    transport: readTransport(transport),
    bridgeSession: bridge ? attribute(bridge, 'id') : '',
    startMuted: {
      audio: muted !== undefined && attribute(muted, 'audio') === 'true',
      video: muted !== undefined && attribute(muted, 'video') === 'true',
    },
  };
}

function readDescription(name: string, description: Element): Description {
  return {
    name,
    payloads: children(description, 'payload-type').map((payload) => ({
      id: Number(attribute(payload, 'id')),
      name: attribute(payload, 'name'),
      clockrate: Number(attribute(payload, 'clockrate')),
      channels: Number(attribute(payload, 'channels') || '1'),
      parameters: children(payload, 'parameter').map((parameter) => {
        const key = attribute(parameter, 'name');
        return key === '' ? attribute(parameter, 'value') : `${key}=${attribute(parameter, 'value')}`;
      }),
      feedback: children(payload, 'rtcp-fb').map((feedback) => ({
        type: attribute(feedback, 'type'),
        subtype: attribute(feedback, 'subtype'),
      })),
    })),
    extensions: children(description, 'rtp-hdrext', NS.rtpExtensions).map((extension) => ({
      id: Number(attribute(extension, 'id')),
      uri: attribute(extension, 'uri'),
    })),
    mixed: child(description, 'extmap-allow-mixed') !== undefined,
  };
}

export function readTransport(transport: Element): Transport {
  const fingerprint = child(transport, 'fingerprint', NS.dtls);
  const channel = child(transport, 'web-socket', NS.colibri);
  const socket = child(transport, 'socket', NS.move);
  return {
    ufrag: attribute(transport, 'ufrag'),
    pwd: attribute(transport, 'pwd'),
    fingerprint: {
      hash: fingerprint ? attribute(fingerprint, 'hash') : '',
      value: text(fingerprint).trim(),
      setup: (fingerprint && attribute(fingerprint, 'setup')) || 'actpass',
    },
    candidates: children(transport, 'candidate').map((candidate) => ({
      foundation: attribute(candidate, 'foundation'),
      component: attribute(candidate, 'component'),
      protocol: attribute(candidate, 'protocol'),
      priority: attribute(candidate, 'priority'),
      ip: attribute(candidate, 'ip'),
      port: attribute(candidate, 'port'),
      type: attribute(candidate, 'type'),
      relatedAddress: attribute(candidate, 'rel-addr'),
      relatedPort: attribute(candidate, 'rel-port'),
      tcpType: attribute(candidate, 'tcptype'),
    })),
    channel: channel ? attribute(channel, 'url') : '',
    socket: socket ? attribute(socket, 'url') : '',
    generation: Number(attribute(transport, 'ice-generation') || '0'),
  };
}
