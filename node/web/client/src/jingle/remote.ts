/**
 * The remote session description. The node is signalled by SSRCs, not by m-lines, so the page writes the node's offer
 * itself, from its Jingle offer and the slots that the bridge channel named:
 *
 *   mid 0   audio, recvonly: our microphone
 *   mid 1   video, recvonly: our camera
 *   mid 2   video, recvonly: our screen, there from the start, so that sharing it needs no negotiation
 *   mid 3+i slot i, sendonly, with its SSRCs
 *
 * All in one BUNDLE. No mid header extension is offered, so the browser sorts packets by SSRC.
 */
import type { Slot } from '../bridge/slots';
import type { Candidate, Description, Offer, PayloadType, Transport } from './offer';

/** mids of our own media */
export const AUDIO = '0';
export const CAMERA = '1';
export const SCREEN = '2';

const FIRST_SLOT = 3;

/** kbit/s that the browser begins with; its own 300 are a blurred picture for the first seconds */
const START_BITRATE = 800;

export function midOfSlot(index: number): string {
  return String(FIRST_SLOT + index);
}

/** Index of the slot of a mid, -1 for our own media. */
export function slotOfMid(mid: string): number {
  const index = Number(mid) - FIRST_SLOT;
  return Number.isInteger(index) && index >= 0 ? index : -1;
}

export interface Remote {
  offer: Offer;
  /** the offer's, or the one of a later ICE restart */
  transport: Transport;
  slots: readonly Slot[];
  /** goes up with every description of a session */
  version: number;
  withCandidates?: boolean;
  /** further lines of our camera's section */
  camera?: readonly string[];
}

export function remoteDescription({
  offer,
  transport,
  slots,
  version,
  withCandidates = true,
  camera = [],
}: Remote): string {
  const mids = [AUDIO, CAMERA, SCREEN, ...slots.map((_, index) => midOfSlot(index))];
  const lines = [
    'v=0',
    `o=- ${sessionId(offer.sid)} ${version} IN IP4 0.0.0.0`,
    's=-',
    't=0 0',
    `a=group:BUNDLE ${mids.join(' ')}`,
    'a=msid-semantic: WMS *',
    ...section('audio', AUDIO, 'recvonly', offer.audio, transport, withCandidates),
    ...section('video', CAMERA, 'recvonly', starting(offer.video), transport, false),
    ...camera,
    ...section('video', SCREEN, 'recvonly', starting(offer.video), transport, false),
  ];
  slots.forEach((slot, index) => {
    const mid = midOfSlot(index);
    lines.push(...section(slot.kind, mid, 'sendonly', offer[slot.kind], transport, false));
    const msid = `slot-${mid} track-${mid}`;
    lines.push(`a=msid:${msid}`, `a=ssrc:${slot.ssrc} cname:slots`, `a=ssrc:${slot.ssrc} msid:${msid}`);
    if (slot.rtx !== 0) {
      lines.push(
        `a=ssrc:${slot.rtx} cname:slots`,
        `a=ssrc:${slot.rtx} msid:${msid}`,
        `a=ssrc-group:FID ${slot.ssrc} ${slot.rtx}`,
      );
    }
  });
  return lines.map(clean).join('\r\n') + '\r\n';
}

function section(
  kind: 'audio' | 'video',
  mid: string,
  direction: 'recvonly' | 'sendonly',
  description: Description,
  transport: Transport,
  withCandidates: boolean,
): string[] {
  const { ufrag, pwd, fingerprint } = transport;
  const lines = [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${description.payloads.map((payload) => payload.id).join(' ')}`,
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    `a=fingerprint:${fingerprint.hash} ${fingerprint.value}`,
    `a=setup:${fingerprint.setup}`,
  ];
  if (withCandidates) lines.push(...transport.candidates.map((candidate) => `a=${candidateLine(candidate)}`));
  lines.push(`a=mid:${mid}`, `a=${direction}`, 'a=rtcp-mux');
  if (description.mixed) lines.push('a=extmap-allow-mixed');
  for (const { id, uri } of description.extensions) lines.push(`a=extmap:${id} ${uri}`);
  for (const payload of description.payloads) {
    const channels = payload.channels > 1 ? `/${payload.channels}` : '';
    lines.push(`a=rtpmap:${payload.id} ${payload.name}/${payload.clockrate}${channels}`);
    if (payload.parameters.length > 0) lines.push(`a=fmtp:${payload.id} ${payload.parameters.join(';')}`);
    for (const { type, subtype } of payload.feedback) {
      lines.push(`a=rtcp-fb:${payload.id} ${type}${subtype === '' ? '' : ` ${subtype}`}`);
    }
  }
  return lines;
}

/** The description with the bitrate that our encoders begin with. */
function starting(description: Description): Description {
  const payloads = description.payloads.map((payload): PayloadType =>
    /^(rtx|red|ulpfec|flexfec-03)$/i.test(payload.name)
      ? payload
      : { ...payload, parameters: [...payload.parameters, `x-google-start-bitrate=${START_BITRATE}`] },
  );
  return { ...description, payloads };
}

/** A candidate as RTCIceCandidate takes it. */
export function candidateLine(candidate: Candidate): string {
  const parts = [
    `candidate:${candidate.foundation}`,
    candidate.component,
    candidate.protocol.toLowerCase(),
    candidate.priority,
    candidate.ip,
    candidate.port,
    'typ',
    candidate.type,
  ];
  if (candidate.relatedAddress !== '') parts.push('raddr', candidate.relatedAddress, 'rport', candidate.relatedPort);
  if (candidate.tcpType !== '') parts.push('tcptype', candidate.tcpType);
  return parts.join(' ');
}

/** A number for the o= line that stays the same for a session (RFC 8866 5.2). */
function sessionId(sid: string): number {
  let hash = 7;
  for (const letter of sid) hash = (hash * 31 + letter.codePointAt(0)!) % 0x7fffffff;
  return hash;
}

/** No value of a stanza may begin a line of its own. */
function clean(line: string): string {
  return line.replace(/[\r\n]+/g, ' ');
}
