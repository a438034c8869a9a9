/**
 * One media session with the node: owns the peer connection. The node offers and we answer, also when the offer is a
 * renegotiation that the page made itself because new slots appeared: those never reach the node.
 *
 * All negotiation goes through one queue; a change that comes while one runs is part of the next one.
 */
import type { Slot } from '../bridge/slots';
import { sendParameters } from '../media/sending';
import { restartAnswer, screenSource, sessionAccept } from './accept';
import { preferring } from './codecs';
import type { Offer, Transport } from './offer';
import { AUDIO, CAMERA, SCREEN, candidateLine, remoteDescription, slotOfMid } from './remote';
import { byRids, furtherSsrcs, hasStreamPerEncoding, ridLines, withEncodings } from './simulcast';

export interface SessionEvents {
  /** A slot has its track. @param index of the slot */
  track(index: number, track: MediaStreamTrack): void;
  connection(state: RTCPeerConnectionState): void;
}

export interface LocalTracks {
  audio: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  screen: MediaStreamTrack | null;
}

export interface SessionConfig {
  iceServers: RTCIceServer[];
  /** video codecs, the preferred first */
  codecs: readonly string[];
}

export class Session {
  readonly offer: Offer;
  readonly #connection: RTCPeerConnection;
  readonly #rids = byRids(navigator.userAgent);
  readonly #further = furtherSsrcs();
  #queue: Promise<void> = Promise.resolve();
  #slots: readonly Slot[] = [];
  #negotiated = 0;
  #version = 1;
  #transport: Transport;
  #maxHeight: Record<'camera' | 'screen', number | undefined> = { camera: undefined, screen: undefined };
  #tracks: LocalTracks = { audio: null, camera: null, screen: null };
  #layers = true;
  #closed = false;

  constructor(offer: Offer, events: SessionEvents, { iceServers, codecs }: SessionConfig) {
    this.offer = { ...offer, video: preferring(offer.video, codecs) };
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
      await this.#offer([]);
      // All senders always send, with or without a track: their SSRCs never change.
      for (const transceiver of this.#connection.getTransceivers()) transceiver.direction = 'sendonly';
      await this.#applyTracks();
      const sdp = await this.#answer();
      await this.#applyParameters();
      return sessionAccept(this.offer, sdp, endpoint, responder, tracks.screen !== null);
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

  /** @returns the jingle element that tells the node that the screen is shared, or no longer */
  shareScreen(endpoint: string, action: 'source-add' | 'source-remove'): Promise<Element> {
    return this.#run(async () =>
      screenSource(this.offer, this.#connection.localDescription?.sdp ?? '', endpoint, action),
    );
  }

  /** The greatest height that anybody wants of a picture of ours; 0: nobody looks. */
  constrain(kind: 'camera' | 'screen', maxHeight: number): void {
    this.#maxHeight[kind] = maxHeight;
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
      await this.#offer(slots, false);
      const sdp = await this.#answer();
      this.#negotiated = slots.length;
      // Only now: with the new credentials in one step, the browser drops the pair that still carries media.
      for (const candidate of transport.candidates) {
        await this.#connection.addIceCandidate({ candidate: candidateLine(candidate), sdpMid: AUDIO });
      }
      return restartAnswer(this.offer, sdp, transport.generation);
    });
  }

  /** Whether the browser got hold of a relay. */
  relayed(): boolean {
    return this.#connection.localDescription?.sdp.includes(' typ relay') ?? false;
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
    await this.#offer(slots);
    await this.#answer();
    this.#negotiated = slots.length;
  }

  #offer(slots: readonly Slot[], withCandidates = true): Promise<void> {
    const { offer } = this;
    const sdp = remoteDescription({
      offer,
      transport: this.#transport,
      slots,
      version: this.#version++,
      withCandidates,
      camera: this.#rids ? ridLines() : [],
    });
    return this.#connection.setRemoteDescription({ type: 'offer', sdp });
  }

  async #answer(): Promise<string> {
    const { sdp = '' } = await this.#connection.createAnswer();
    const widened = this.#streamPerEncoding() ? withEncodings(sdp, CAMERA, this.#further) : sdp;
    try {
      await this.#connection.setLocalDescription({ type: 'answer', sdp: widened });
    } catch (error) {
      if (widened === sdp) throw error;
      console.warn('one encoding only', error);
      await this.#connection.setLocalDescription({ type: 'answer', sdp });
      return sdp;
    }
    return widened;
  }

  #streamPerEncoding(): boolean {
    return !this.#rids && hasStreamPerEncoding(this.#codec());
  }

  /** The first codec of the offer that the browser has: it is the one that is sent. */
  #codec(): string {
    const can = new Set((RTCRtpSender.getCapabilities('video')?.codecs ?? []).map(({ mimeType }) => mimeType.toLowerCase()));
    const { payloads } = this.offer.video;
    return (payloads.find(({ name }) => can.has(`video/${name.toLowerCase()}`)) ?? payloads[0])?.name ?? '';
  }

  #sender(mid: string): RTCRtpSender | undefined {
    return this.#connection.getTransceivers().find((transceiver) => transceiver.mid === mid)?.sender;
  }

  async #applyTracks(): Promise<void> {
    const { audio, camera, screen } = this.#tracks;
    const replace = async (mid: string, track: MediaStreamTrack | null): Promise<void> => {
      const sender = this.#sender(mid);
      if (sender && sender.track !== track) await sender.replaceTrack(track);
    };
    await replace(AUDIO, audio);
    await replace(CAMERA, camera);
    await replace(SCREEN, screen);
  }

  async #applyParameters(): Promise<void> {
    await this.#apply('camera', CAMERA);
    await this.#apply('screen', SCREEN);
  }

  async #apply(kind: 'camera' | 'screen', mid: string): Promise<void> {
    const sender = this.#sender(mid);
    if (!sender?.track) return;
    const { width = 0, height = 0 } = sender.track.getSettings();
    const wanted = {
      kind,
      codec: this.#codec(),
      maxHeight: this.#maxHeight[kind],
      captured: { width, height },
    };
    const changed = sendParameters(sender.getParameters(), wanted, this.#layers);
    if (!changed) return;
    try {
      await sender.setParameters(changed);
    } catch (error) {
      if (!this.#layers || this.#closed) throw error;
      // This browser knows no such layers.
      this.#layers = false;
      const plain = sendParameters(sender.getParameters(), wanted, false);
      if (plain) await sender.setParameters(plain);
    }
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
