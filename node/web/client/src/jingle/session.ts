/**
 * One media session with the node: owns the peer connection. The node offers and we answer, also when the offer is a
 * renegotiation that the page made itself because new slots appeared: those never reach the node.
 *
 * All negotiation goes through one queue; a change that comes while one runs is part of the next one.
 */
import type { Slot } from '../bridge/slots';
import { sendParameters } from '../media/sending';
import { restartAnswer, sessionAccept } from './accept';
import type { Offer, Transport } from './offer';
import { AUDIO, VIDEO, candidateLine, remoteDescription, slotOfMid } from './remote';

export interface SessionEvents {
  /** A slot has its track. @param index of the slot */
  track(index: number, track: MediaStreamTrack): void;
  connection(state: RTCPeerConnectionState): void;
}

export interface LocalTracks {
  audio: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
}

export class Session {
  readonly #connection: RTCPeerConnection;
  #queue: Promise<void> = Promise.resolve();
  #slots: readonly Slot[] = [];
  #negotiated = 0;
  #version = 1;
  #transport: Transport;
  #maxHeight: number | undefined;
  #tracks: LocalTracks = { audio: null, video: null };
  #closed = false;

  constructor(
    readonly offer: Offer,
    events: SessionEvents,
    iceServers: RTCIceServer[] = [],
  ) {
    this.#transport = offer.transport;
    this.#connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require', iceServers });
    this.#connection.ontrack = ({ track, transceiver }) => {
      const index = slotOfMid(transceiver.mid ?? '');
      if (index >= 0) events.track(index, track);
    };
    this.#connection.onconnectionstatechange = () => {
      if (!this.#closed) events.connection(this.#connection.connectionState);
    };
  }

  /** Answers the offer. @returns the jingle element to accept with */
  accept(endpoint: string, responder: string, tracks: LocalTracks): Promise<Element> {
    this.#tracks = tracks;
    return this.#run(async () => {
      await this.#connection.setRemoteDescription({
        type: 'offer',
        sdp: remoteDescription(this.offer, this.#transport, [], this.#version++),
      });
      // Both senders always send, with or without a track: their SSRCs are signalled once and never change.
      for (const transceiver of this.#connection.getTransceivers()) transceiver.direction = 'sendonly';
      await this.#applyTracks();
      const sdp = await this.#answer();
      await this.#applyParameters();
      return sessionAccept(this.offer, sdp, endpoint, responder);
    });
  }

  /** The slots as they are now; new ones get their m-lines. */
  setSlots(slots: readonly Slot[]): void {
    this.#slots = slots;
    if (slots.length > this.#negotiated) void this.#run(() => this.#negotiateSlots()).catch(report('source map'));
  }

  /** What we send, null for nothing of that kind. */
  setTracks(tracks: LocalTracks): void {
    this.#tracks = tracks;
    void this.#run(async () => {
      await this.#applyTracks();
      await this.#applyParameters();
    }).catch(report('local tracks'));
  }

  /** The greatest height that anybody wants of our camera; 0: nobody looks. */
  constrain(maxHeight: number): void {
    this.#maxHeight = maxHeight;
    void this.#run(() => this.#applyParameters()).catch(report('sender constraints'));
  }

  /**
   * Moves to the node's new ICE credentials (`transport-info` with an ice-generation) under the same DTLS association.
   * @returns the jingle element with ours; undefined when a newer generation was applied before
   */
  restartIce(transport: Transport): Promise<Element | undefined> {
    return this.#run(async () => {
      if (transport.generation <= this.#transport.generation) return undefined;
      const fingerprint = transport.fingerprint.value === '' ? this.#transport.fingerprint : transport.fingerprint;
      this.#transport = { ...transport, fingerprint };
      const slots = this.#slots;
      await this.#connection.setRemoteDescription({
        type: 'offer',
        sdp: remoteDescription(this.offer, this.#transport, slots, this.#version++, false),
      });
      const sdp = await this.#answer();
      this.#negotiated = slots.length;
      // Only now: with the new credentials in one step, the browser drops the pair that still carries media.
      for (const candidate of transport.candidates) {
        await this.#connection.addIceCandidate({ candidate: candidateLine(candidate), sdpMid: AUDIO });
      }
      return restartAnswer(this.offer, sdp, transport.generation);
    });
  }

  close(): void {
    this.#closed = true;
    this.#connection.ontrack = null;
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
  }

  async #negotiateSlots(): Promise<void> {
    const slots = this.#slots;
    if (slots.length <= this.#negotiated) return;
    await this.#connection.setRemoteDescription({
      type: 'offer',
      sdp: remoteDescription(this.offer, this.#transport, slots, this.#version++),
    });
    await this.#answer();
    this.#negotiated = slots.length;
  }

  async #answer(): Promise<string> {
    const answer = await this.#connection.createAnswer();
    await this.#connection.setLocalDescription(answer);
    return answer.sdp ?? '';
  }

  #sender(mid: string): RTCRtpSender | undefined {
    return this.#connection.getTransceivers().find((transceiver) => transceiver.mid === mid)?.sender;
  }

  async #applyTracks(): Promise<void> {
    const { audio, video } = this.#tracks;
    const replace = async (mid: string, track: MediaStreamTrack | null): Promise<void> => {
      const sender = this.#sender(mid);
      if (sender && sender.track !== track) await sender.replaceTrack(track);
    };
    await replace(AUDIO, audio);
    await replace(VIDEO, video);
  }

  async #applyParameters(): Promise<void> {
    const sender = this.#sender(VIDEO);
    if (!sender) return;
    const parameters = sender.getParameters();
    if (parameters.encodings.length === 0) return;
    const changed = sendParameters(parameters, this.#maxHeight, sender.track?.getSettings().height ?? 0);
    if (changed) await sender.setParameters(changed);
  }

  #run<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(() => {
      if (this.#closed) throw new Closed('session closed');
      return task();
    });
    this.#queue = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }
}

/** What a task of a closed session ends with. */
export class Closed extends Error {}

function report(what: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof Closed)) console.error(`${what} not applied`, error);
  };
}
