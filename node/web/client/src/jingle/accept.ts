/** Our side of the session as Jingle: what the browser's answer says about what we send. */
import { parse } from 'sdp-transform';
import { NS } from '../xmpp/names';
import { x } from '../xmpp/xml';
import type { Offer } from './offer';
import { AUDIO, CAMERA, SCREEN } from './remote';
import { sourceElements, streamsOf } from './sources';

type Media = ReturnType<typeof parse>['media'][number];

export interface LocalTransport {
  ufrag: string;
  pwd: string;
  fingerprint: { hash: string; value: string; setup: string };
}

/**
 * @returns the jingle element of a session-accept
 * @param endpoint names our sources: `<endpoint>-a0`, `-v0` the camera, `-v1` the screen
 * @param sharing whether the screen is among them
 */
export function sessionAccept(
  offer: Offer,
  sdp: string,
  endpoint: string,
  responder: string,
  sharing = false,
): Element {
  const { media, groups: _, ...session } = parse(sdp);
  const audio = section(media, AUDIO);
  const video = section(media, CAMERA);
  const screen = sharing ? sourceElements(streamsOf(section(media, SCREEN)), `${endpoint}-v1`, 'desktop') : [];
  const transport = localTransport(audio, session);
  return x(
    'jingle',
    { xmlns: NS.jingle, action: 'session-accept', initiator: offer.initiator, responder, sid: offer.sid },
    x(
      'group',
      { xmlns: NS.group, semantics: 'BUNDLE' },
      x('content', { name: offer.audio.name }),
      x('content', { name: offer.video.name }),
    ),
    content(offer.audio.name, 'audio', audio, transport, sourceElements(streamsOf(audio), `${endpoint}-a0`, undefined)),
    content(offer.video.name, 'video', video, transport, [
      ...sourceElements(streamsOf(video), `${endpoint}-v0`, 'camera'),
      ...screen,
    ]),
  );
}

/** @returns the jingle element that begins or ends sharing the screen */
export function screenSource(offer: Offer, sdp: string, endpoint: string, action: 'source-add' | 'source-remove'): Element {
  const streams = streamsOf(section(parse(sdp).media, SCREEN));
  return x(
    'jingle',
    { xmlns: NS.jingle, action, initiator: offer.initiator, sid: offer.sid },
    x(
      'content',
      { creator: 'responder', name: offer.video.name, senders: 'both' },
      x('description', { xmlns: NS.rtp, media: 'video' }, ...sourceElements(streams, `${endpoint}-v1`, 'desktop')),
    ),
  );
}

/** @returns the jingle element that tells the node our credentials after an ICE restart */
export function restartAnswer(offer: Offer, sdp: string, generation: number): Element {
  const { media, groups: _, ...session } = parse(sdp);
  const first = media[0];
  if (!first) throw new Error('answer without m-lines');
  const transport = localTransport(first, session);
  return x(
    'jingle',
    { xmlns: NS.jingle, action: 'transport-info', initiator: offer.initiator, sid: offer.sid },
    ...[offer.audio.name, offer.video.name].map((name) =>
      x('content', { creator: 'responder', name }, transportElement(transport, generation)),
    ),
  );
}

/** @returns the jingle element that ends a session and, with restart, asks for a new one */
export function sessionTerminate(offer: Offer, reason: string, restart: boolean): Element {
  return x(
    'jingle',
    { xmlns: NS.jingle, action: 'session-terminate', initiator: offer.initiator, sid: offer.sid },
    x('reason', {}, x(reason, {})),
    x('bridge-session', { xmlns: NS.focus, id: offer.bridgeSession, restart: String(restart) }),
  );
}

function section(media: readonly Media[], mid: string): Media {
  const found = media.find((candidate) => String(candidate.mid) === mid);
  if (!found) throw new Error(`answer without m-line ${mid}`);
  return found;
}

function localTransport(media: Media, session: Partial<Media>): LocalTransport {
  const fingerprint = media.fingerprint ?? session.fingerprint;
  const ufrag = media.iceUfrag ?? session.iceUfrag;
  const pwd = media.icePwd ?? session.icePwd;
  if (!fingerprint || ufrag === undefined || pwd === undefined) throw new Error('answer without transport');
  return {
    ufrag: String(ufrag),
    pwd: String(pwd),
    fingerprint: { hash: fingerprint.type, value: fingerprint.hash, setup: media.setup ?? 'active' },
  };
}

function transportElement(transport: LocalTransport, generation = 0): Element {
  const { hash, setup, value } = transport.fingerprint;
  return x(
    'transport',
    {
      xmlns: NS.ice,
      ufrag: transport.ufrag,
      pwd: transport.pwd,
      'ice-generation': generation > 0 ? generation : undefined,
    },
    x('fingerprint', { xmlns: NS.dtls, hash, setup }, value),
  );
}

function content(
  name: string,
  kind: 'audio' | 'video',
  media: Media,
  transport: LocalTransport,
  sources: readonly Element[],
): Element {
  return x(
    'content',
    { creator: 'responder', name, senders: 'both' },
    x(
      'description',
      { xmlns: NS.rtp, media: kind },
      ...payloadTypes(media),
      ...sources,
      x('rtcp-mux', {}),
      ...(media.ext ?? []).map(({ value, uri }) => x('rtp-hdrext', { xmlns: NS.rtpExtensions, id: value, uri })),
    ),
    transportElement(transport),
  );
}

function payloadTypes(media: Media): Element[] {
  // A list of one is a number to the parser.
  const order = String(media.payloads ?? '').split(' ').map(Number);
  const rtpmaps = [...media.rtp].sort((a, b) => order.indexOf(a.payload) - order.indexOf(b.payload));
  return rtpmaps.map((rtp) => {
    const parameters = media.fmtp.find((fmtp) => fmtp.payload === rtp.payload)?.config ?? '';
    const feedback = (media.rtcpFb ?? []).filter((fb) => String(fb.payload) === String(rtp.payload));
    return x(
      'payload-type',
      { id: rtp.payload, name: rtp.codec, clockrate: rtp.rate, channels: rtp.encoding },
      ...parameters
        .split(';')
        .map((parameter) => parameter.trim())
        .filter((parameter) => parameter !== '')
        .map((parameter) => {
          const at = parameter.indexOf('=');
          return at < 0
            ? x('parameter', { value: parameter })
            : x('parameter', { name: parameter.slice(0, at), value: parameter.slice(at + 1) });
        }),
      ...feedback.map(({ type, subtype }) => x('rtcp-fb', { xmlns: NS.rtcpFeedback, type, subtype })),
    );
  });
}
