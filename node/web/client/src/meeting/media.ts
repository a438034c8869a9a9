/**
 * The media of a meeting: at most one Jingle session with its bridge channel at a time. The node starts it and may end
 * it at any time; when it fails we end it ourselves and ask for a fresh one.
 */
import { effect } from '@preact/signals';
import { Channel } from '../bridge/channel';
import { receiverVideoConstraints, sourceVideoType, type BridgeMessage, type ReceiverConstraints } from '../bridge/messages';
import { applyMap } from '../bridge/slots';
import { topologyRequest } from '../bridge/topology';
import { sessionTerminate } from '../jingle/accept';
import { readOffer, readTransport, type Offer } from '../jingle/offer';
import { Closed, Session, type LocalTracks } from '../jingle/session';
import type { Devices } from '../media/devices';
import { NS } from '../xmpp/names';
import { answer, refuse } from '../xmpp/stream';
import { attribute, child, x } from '../xmpp/xml';
import type { State } from './state';
import { explainUnreachable } from './unreachable';

/** Who takes part in a Jingle exchange. */
export interface Context {
  /** own endpoint id */
  endpoint: string;
  /** own full JID */
  responder: string;
  /** occupant JID of the focus */
  focus: string;
}

const RESTART_MIN = 2_000;
const RESTART_MAX = 60_000;
/** A session that was connected for so long makes the next restart quick again. */
const STEADY = 30_000;
const CONSTRAINTS_DELAY = 150;

/** What the meeting gives and takes. */
export interface MediaHost {
  /** Sends an IQ and gives its result. */
  request(iq: Element): Promise<Element>;
  /** The node does not take our screen. */
  screenRefused(): void;
  /** Our session moves to the node with these WebSockets. */
  moves(base: string): void;
}

export class MediaRoom {
  iceServers: RTCIceServer[] = [];
  #session: Session | undefined;
  #channel: Channel | undefined;
  #context: Context | undefined;
  #stop: (() => void)[] = [];
  #restartDelay = RESTART_MIN;
  #restart: ReturnType<typeof setTimeout> | undefined;
  #connectedAt = 0;
  /** the session that was connected last */
  #connected: Session | undefined;
  #wanted: ReceiverConstraints = { maxHeight: 720, heights: {} };
  #wantedTimer: ReturnType<typeof setTimeout> | undefined;
  #watching = false;

  constructor(
    private readonly state: State,
    private readonly devices: Devices,
    private readonly codecs: readonly string[],
    private readonly host: MediaHost,
  ) {}

  /** Handles a Jingle request of the focus. @returns the answer to send */
  jingle(iq: Element, jingle: Element, context: Context): Element {
    const action = attribute(jingle, 'action');
    if (action === 'session-initiate') return this.#initiate(iq, jingle, context);
    const session = this.#session;
    if (!session || session.offer.sid !== attribute(jingle, 'sid')) {
      return refuse(iq, 'cancel', 'item-not-found', x('unknown-session', { xmlns: NS.jingleErrors }));
    }
    switch (action) {
      case 'session-terminate':
        this.end();
        break;
      case 'transport-info':
        this.#transportInfo(session, jingle);
        break;
    }
    // Everything else is about sources, which come by maps here.
    return answer(iq);
  }

  /** What we want to receive, from what is on the screen. */
  want(constraints: ReceiverConstraints): void {
    if (JSON.stringify(constraints) === JSON.stringify(this.#wanted)) return;
    this.#wanted = constraints;
    clearTimeout(this.#wantedTimer);
    this.#wantedTimer = setTimeout(() => this.#sendWanted(), CONSTRAINTS_DELAY);
  }

  /** Lets the node tell of the network. @returns what ends that */
  watchNetwork(): () => void {
    this.#watching = true;
    this.#channel?.send(topologyRequest(true));
    return () => {
      this.#watching = false;
      this.#channel?.send(topologyRequest(false));
      this.state.topology.value = null;
    };
  }

  /** A participant is gone: nothing that is still mapped is theirs. */
  gone(endpoint: string): void {
    const slots = this.state.slots.value;
    if (!slots.some(({ owner }) => owner === endpoint)) return;
    this.state.slots.value = slots.map((slot) => (slot.owner === endpoint ? { ...slot, owner: '', source: '' } : slot));
  }

  end(): void {
    for (const stop of this.#stop.splice(0)) stop();
    clearTimeout(this.#restart);
    this.#channel?.close();
    this.#session?.close();
    this.#channel = undefined;
    this.#session = undefined;
    this.state.slots.value = [];
    this.state.tracks.value = new Map();
    this.state.dominant.value = '';
    this.state.mediaLost.value = false;
    this.state.topology.value = null;
  }

  #initiate(iq: Element, jingle: Element, context: Context): Element {
    let offer: Offer;
    try {
      offer = readOffer(jingle);
    } catch (error) {
      console.error('offer refused', error);
      return refuse(iq, 'modify', 'bad-request');
    }
    if (this.#session?.offer.sid === offer.sid) return refuse(iq, 'cancel', 'service-unavailable');
    if (offer.transport.socket !== '') this.host.moves(offer.transport.socket);
    this.end();
    this.#context = context;
    if (offer.startMuted.audio) void this.devices.setMicrophone(false);
    if (offer.startMuted.video) void this.devices.setCamera(false);
    const session: Session = new Session(
      offer,
      {
        track: (index, track) => {
          if (session === this.#session) this.state.tracks.value = new Map(this.state.tracks.value).set(index, track);
        },
        connection: (state) => {
          if (session === this.#session) this.#connectionState(session, state);
        },
      },
      { iceServers: this.iceServers, codecs: this.codecs },
    );
    this.#session = session;
    this.#openChannel(session, context);
    void this.#accept(session, context);
    return answer(iq);
  }

  async #accept(session: Session, context: Context): Promise<void> {
    const { devices } = this;
    const tracks = (): LocalTracks => ({
      audio: devices.microphone.value,
      camera: devices.camera.value,
      screen: devices.screen.value,
    });
    try {
      const first = tracks();
      const accept = await session.accept(context.endpoint, context.responder, first);
      if (session !== this.#session) return;
      this.#stop.push(effect(() => session.setTracks(tracks())));
      await this.#request(context, accept);
      if (session === this.#session) this.#followScreen(session, context, first.screen !== null);
    } catch (error) {
      if (error instanceof Closed || session !== this.#session) return;
      console.error('session not accepted', error);
      this.#askRestart(session, 'failed-application');
    }
  }

  /** Tells the node when the screen comes and goes. @param told whether it knows of it already */
  #followScreen(session: Session, context: Context, told: boolean): void {
    let last: Promise<unknown> = Promise.resolve();
    this.#stop.push(
      effect(() => {
        const sharing = this.devices.screen.value !== null;
        if (sharing === told) return;
        told = sharing;
        last = last.then(async () => {
          const jingle = await session.shareScreen(context.endpoint, sharing ? 'source-add' : 'source-remove');
          await this.#request(context, jingle);
        }).catch((error: unknown) => {
          if (error instanceof Closed || session !== this.#session) return;
          console.error('screen', error);
          if (!sharing) return;
          told = false;
          this.host.screenRefused();
        });
      }),
    );
  }

  #openChannel(session: Session, context: Context): void {
    const url = session.offer.transport.channel;
    if (url === '') return;
    const camera = `${context.endpoint}-v0`;
    const screen = `${context.endpoint}-v1`;
    const sayCamera = (): void => channel.send(sourceVideoType(camera, this.devices.camera.value ? 'camera' : 'none'));
    const sayScreen = (): void => {
      if (this.devices.screen.value) channel.send(sourceVideoType(screen, 'desktop'));
    };
    const channel: Channel = new Channel(url, {
      open: () => {
        this.#sendWanted();
        sayCamera();
        sayScreen();
        if (this.#watching) channel.send(topologyRequest(true));
      },
      message: (message) => {
        if (session === this.#session) this.#message(session, context, message);
      },
    });
    this.#channel = channel;
    this.#stop.push(effect(sayCamera), effect(sayScreen));
  }

  #message(session: Session, { endpoint }: Context, message: BridgeMessage): void {
    switch (message.class) {
      case 'map': {
        const { slots } = applyMap(this.state.slots.value, message.kind, message.mappings);
        this.state.slots.value = slots;
        session.setSlots(slots);
        return;
      }
      case 'dominant':
        this.state.dominant.value = message.silence ? '' : message.endpoint;
        return;
      case 'constraints':
        if (message.source === `${endpoint}-v0`) session.constrain('camera', message.maxHeight);
        if (message.source === `${endpoint}-v1`) session.constrain('screen', message.maxHeight);
        return;
      case 'topology':
        if (this.#watching) this.state.topology.value = message.topology;
        return;
      case 'forwarded':
      case 'hello':
        return;
    }
  }

  #request(context: Context, jingle: Element): Promise<Element> {
    return this.host.request(x('iq', { xmlns: 'jabber:client', to: context.focus, type: 'set' }, jingle));
  }

  #sendWanted(): void {
    clearTimeout(this.#wantedTimer);
    this.#channel?.send(receiverVideoConstraints(this.#wanted));
  }

  #transportInfo(session: Session, jingle: Element): void {
    const content = child(jingle, 'content');
    const element = content && child(content, 'transport', NS.ice);
    const transport = element && readTransport(element);
    const context = this.#context;
    if (!transport || !context || transport.generation <= 0 || transport.ufrag === '') return;
    if (transport.socket !== '') this.host.moves(transport.socket);
    if (transport.channel !== '') this.#channel?.move(transport.channel);
    session
      .restartIce(transport)
      .then((info) => info && this.#request(context, info))
      .catch((error: unknown) => console.error('ice restart', error));
  }

  #connectionState(session: Session, state: RTCPeerConnectionState): void {
    this.state.mediaLost.value = state === 'disconnected' || state === 'failed';
    if (state === 'connected') {
      this.#connectedAt = Date.now();
      this.#connected = session;
      this.state.unreachable.value = '';
    }
    if (state !== 'failed') return;
    if (this.#connected !== session) {
      this.state.unreachable.value = explainUnreachable(this.iceServers.length > 0, session.relayed());
    }
    this.#askRestart(session, 'connectivity-error');
  }

  /** Ends the session and asks for a fresh one, after a while that grows with every failure. */
  #askRestart(session: Session, reason: string): void {
    if (this.#connectedAt > 0 && Date.now() - this.#connectedAt > STEADY) this.#restartDelay = RESTART_MIN;
    this.#connectedAt = 0;
    const delay = this.#restartDelay * (0.5 + Math.random() / 2);
    this.#restartDelay = Math.min(this.#restartDelay * 2, RESTART_MAX);
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => {
      const context = this.#context;
      if (session !== this.#session || !context) return;
      const terminate = sessionTerminate(session.offer, reason, true);
      this.end();
      this.#request(context, terminate).catch((error: unknown) => console.error('restart refused', error));
    }, delay);
  }
}
