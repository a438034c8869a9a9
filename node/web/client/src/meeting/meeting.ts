/**
 * A meeting: joins the room and holds it until the person leaves. It wires the XMPP stream, the room, the media
 * session and the devices to the state that the page shows; what each of them decides is in its own module.
 *
 * The stream is opened while the person still looks at the page before joining, and the room is asked for and entered
 * in one go: from the click to the node's offer is one round trip.
 *
 * Three things can be lost, each with its own way back: the socket (the stream resumes, nothing else notices), the
 * stream (joined anew with a new endpoint id, for as long as it takes), the media session (the node is asked for a
 * fresh one).
 */
import { batch, effect } from '@preact/signals';
import { supportedCodecs } from '../jingle/codecs';
import { Devices } from '../media/devices';
import { roomTitle } from '../settings/address';
import type { Config } from '../settings/config';
import { randomHex } from '../settings/random';
import { conferenceIq, readConferenceIq } from '../xmpp/conference';
import { grantIq, kickIq, muteIq, type Muted } from '../xmpp/moderation';
import {
  isMuted,
  isSharing,
  leavePresence,
  ownPresence,
  readPresence,
  type RoomPresence,
  type SourceInfo,
} from '../xmpp/muc';
import { bare, endpointOf, resource } from '../xmpp/names';
import { readServices, servicesIq } from '../xmpp/services';
import { RequestError, Stream, refuse } from '../xmpp/stream';
import { attribute } from '../xmpp/xml';
import { Conversation } from './conversation';
import { explain } from './endings';
import { MediaRoom } from './media';
import { FOCUS, answerTo } from './requests';
import { State } from './state';

const REJOIN_MAX = 30_000;
const LEAVE_WAIT = 1_000;
const NOTICE_FOR = 6_000;
/** A stream that was opened before joining is not kept for longer. */
const PREPARED_FOR = 300_000;

export class Meeting {
  readonly state = new State();
  readonly devices: Devices;
  readonly media: MediaRoom;
  /** JID of the room */
  readonly room: string;
  readonly #conversation: Conversation;
  readonly #codecs: readonly string[];
  readonly #machine = randomHex(16);
  #stream: Stream | undefined;
  #bound = false;
  #prepared: ReturnType<typeof setTimeout> | undefined;
  #password = '';
  #failures = 0;
  #rejoin: ReturnType<typeof setTimeout> | undefined;
  #notice: ReturnType<typeof setTimeout> | undefined;
  /** what the focus said: the room is ready */
  #ready = false;
  #joined = false;
  /** our sources as the room knows them */
  #told = '';
  #left: (() => void) | undefined;
  #stop: (() => void)[] = [];

  constructor(
    private readonly config: Config,
    readonly roomNode: string,
  ) {
    this.room = `${roomNode}@${config.hosts.muc}`;
    this.#conversation = new Conversation(this.state, this.room, config.subject, (stanza) => this.#stream?.send(stanza));
    this.#codecs = supportedCodecs(config.codecs, receivable());
    this.devices = new Devices(config.resolution);
    this.devices.microphoneOn.value = !config.startWithAudioMuted;
    this.devices.cameraOn.value = !config.startWithVideoMuted;
    this.media = new MediaRoom(this.state, this.devices, config.codecs, {
      request: (iq) => this.#request(iq),
      moves: (base) => this.#stream?.move(base),
      screenRefused: () => {
        this.devices.stopScreen();
        this.#notify('The screen cannot be shared in this meeting.');
      },
    });
  }

  /** Opens the stream, so that joining is quick. */
  prepare(): void {
    if (this.#stream || this.state.phase.value !== 'ready') return;
    this.#connect();
    this.#prepared = setTimeout(() => this.#unprepare(), PREPARED_FOR);
  }

  #unprepare(): void {
    clearTimeout(this.#prepared);
    this.#stream?.close();
    this.#stream = undefined;
    this.#bound = false;
  }

  join(displayName: string): void {
    const { phase, displayName: name } = this.state;
    if (phase.value !== 'ready') return;
    clearTimeout(this.#prepared);
    name.value = displayName.trim();
    phase.value = 'joining';
    void this.devices.start();
    this.#stop.push(effect(() => this.#announce(this.#sources())));
    if (!this.#stream) this.#connect();
    else if (this.#bound) void this.#enter(this.#stream);
  }

  /** Tries to get into a room that wants a password. */
  enterPassword(password: string): void {
    if (this.state.phase.value !== 'password') return;
    this.#password = password;
    this.state.phase.value = 'joining';
    this.#sendPresence(true);
  }

  /** @param to endpoint id of the only one who shall read it, '' for all */
  say(body: string, to = ''): void {
    if (this.#joined) this.#conversation.say(body, to);
  }

  /** As a moderator. */
  mute(endpoint: string, what: Muted): void {
    this.#moderate(muteIq(`${this.room}/${FOCUS}`, endpoint, what));
  }

  kick(endpoint: string): void {
    this.#moderate(kickIq(this.room, endpoint));
  }

  grant(endpoint: string): void {
    const jid = this.state.participants.value.find(({ id }) => id === endpoint)?.jid ?? '';
    this.#moderate(grantIq(this.room, endpoint, jid));
  }

  async leave(): Promise<void> {
    const joined = this.#joined;
    this.state.phase.value = 'left';
    this.devices.stop();
    // The media session ends last: a node that sees it end before the farewell would offer another one.
    if (joined) {
      this.#stream?.send(leavePresence(this.room, this.state.endpoint.value));
      await new Promise<void>((resolve) => {
        this.#left = resolve;
        setTimeout(resolve, LEAVE_WAIT);
      });
    }
    this.#finish();
  }

  #moderate(iq: Element): void {
    this.#request(iq).catch(() => this.#notify('That was not possible.'));
  }

  /** The network is back: not a moment is waited. */
  hurry(): void {
    this.#stream?.hurry();
  }

  /** The page goes away. */
  leaveAtOnce(): void {
    if (this.#joined) this.#stream?.send(leavePresence(this.room, this.state.endpoint.value));
    this.#stream?.close();
  }

  #end(reason: string): void {
    this.state.ending.value = reason;
    this.state.phase.value = 'ended';
    this.#finish();
  }

  #finish(): void {
    for (const stop of this.#stop.splice(0)) stop();
    clearTimeout(this.#rejoin);
    this.#joined = false;
    this.media.end();
    this.#stream?.close();
    this.#stream = undefined;
    this.devices.stop();
    batch(() => {
      this.state.participants.value = [];
      this.state.reconnecting.value = false;
    });
  }

  #connect(): void {
    const stream: Stream = new Stream(
      { url: this.config.websocket, domain: this.config.hosts.domain, room: roomTitle(this.roomNode), elsewhere: this.config.elsewhere },
      {
        online: (jid) => this.#online(stream, jid),
        offline: () => {
          this.state.ending.value = '';
          this.state.reconnecting.value = this.state.phase.value !== 'ready';
        },
        resumed: () => (this.state.reconnecting.value = false),
        lost: (reason) => this.#lost(stream, reason),
        stanza: (stanza) => this.#stanza(stanza),
      },
    );
    this.#stream = stream;
    this.#bound = false;
    stream.connect();
  }

  #online(stream: Stream, jid: string): void {
    this.#bound = true;
    this.state.endpoint.value = endpointOf(jid);
    stream
      .request(servicesIq(this.config.hosts.domain))
      .then((services) => (this.media.iceServers = readServices(services)))
      .catch(() => undefined);
    if (this.state.phase.value !== 'ready') void this.#enter(stream);
  }

  /** Asks for the room and enters it at once; an answer that it is not ready yet comes before the room's refusal. */
  async #enter(stream: Stream): Promise<void> {
    this.#ready = false;
    try {
      for (let wait = 1000; this.#stream === stream && !this.#ready; wait = Math.min(wait * 2, REJOIN_MAX)) {
        const asked = stream.request(conferenceIq(this.config.hosts.focus, this.room, this.#machine));
        if (!this.#joined) this.#sendPresence(true);
        this.#ready = readConferenceIq(await asked);
        if (!this.#ready) await new Promise((resolve) => setTimeout(resolve, wait));
      }
    } catch (error) {
      if (this.#stream !== stream || this.#joined) return;
      const condition = error instanceof RequestError ? error.condition : 'conference-request';
      if (condition === 'not-authorized' || condition === 'forbidden') this.#end(explain(condition));
      else this.#again(explain('conference-request'));
    }
  }

  #sendPresence(join: boolean): void {
    const sources = this.#sources();
    this.#told = JSON.stringify(sources);
    this.#stream?.send(
      ownPresence({
        room: this.room,
        nick: this.state.endpoint.value,
        displayName: this.state.displayName.value,
        sources,
        codecs: this.#codecs,
        join,
        password: this.#password,
      }),
    );
  }

  #sources(): SourceInfo {
    const { microphoneOn, microphone, camera, screen } = this.devices;
    const endpoint = this.state.endpoint.value;
    return {
      [`${endpoint}-a0`]: { muted: !microphoneOn.value || microphone.value === null },
      [`${endpoint}-v0`]: { muted: camera.value === null },
      ...(screen.value ? { [`${endpoint}-v1`]: { muted: false, videoType: 'desktop' } } : {}),
    };
  }

  /** Tells the room what our sources do, whenever that changes. */
  #announce(sources: SourceInfo): void {
    if (this.#joined && JSON.stringify(sources) !== this.#told) this.#sendPresence(false);
  }

  #lost(stream: Stream, reason: string): void {
    if (this.#stream !== stream) return;
    if (this.state.phase.value === 'ready') this.#unprepare();
    else if (reason === 'conflict' || reason === 'not-authorized') this.#end(explain(reason));
    else this.#again(explain('connection-lost'));
  }

  /** Joins anew, later each time it fails. */
  #again(reason: string): void {
    this.#joined = false;
    this.media.end();
    this.#stream?.close();
    this.#stream = undefined;
    batch(() => {
      this.state.participants.value = [];
      this.state.ending.value = reason;
      this.state.reconnecting.value = true;
    });
    const delay = Math.min(500 * 2 ** this.#failures++, REJOIN_MAX) * (0.5 + Math.random() / 2);
    clearTimeout(this.#rejoin);
    this.#rejoin = setTimeout(() => this.#connect(), delay);
  }

  #stanza(stanza: Element): void {
    const from = attribute(stanza, 'from');
    if (stanza.nodeName === 'iq') {
      this.#iq(stanza, from);
    } else if (bare(from) === this.room) {
      if (stanza.nodeName === 'presence') this.#roomPresence(readPresence(stanza));
      else this.#conversation.take(stanza);
    }
  }

  #roomPresence(presence: RoomPresence): void {
    if (presence.type === 'error') {
      if (!this.#joined) this.#refused(presence.condition);
      return;
    }
    if (presence.self || presence.nick === this.state.endpoint.value) {
      this.#selfPresence(presence);
      return;
    }
    if (presence.nick === FOCUS || presence.nick === '') return;
    if (presence.type === 'unavailable') {
      this.state.removeParticipant(presence.nick);
      this.media.gone(presence.nick);
      return;
    }
    this.state.setParticipant({
      id: presence.nick,
      name: presence.displayName,
      moderator: presence.moderator,
      jid: presence.jid,
      audioMuted: isMuted(presence.sources, 'a'),
      videoMuted: isMuted(presence.sources, 'v'),
      sharing: isSharing(presence.sources),
    });
  }

  #selfPresence(presence: RoomPresence): void {
    if (presence.type === 'unavailable') {
      this.#left?.();
      if (this.state.phase.value === 'left') return;
      const what = presence.destroyed ? 'destroyed' : presence.statuses.includes('307') ? 'kicked' : 'removed';
      this.#end(explain(what, presence.reason));
      return;
    }
    this.state.moderator.value = presence.moderator;
    if (this.#joined) return;
    this.#joined = true;
    this.#failures = 0;
    batch(() => {
      this.state.phase.value = 'joined';
      this.state.reconnecting.value = false;
      this.state.ending.value = '';
    });
    // What changed between asking to join and being in.
    this.#announce(this.#sources());
  }

  #refused(condition: string): void {
    if (condition === 'not-authorized') {
      this.state.ending.value = this.#password === '' ? '' : explain('wrong-password');
      this.state.phase.value = 'password';
    } else if (this.#ready) {
      this.#end(explain(condition));
    }
  }

  #iq(iq: Element, from: string): void {
    const stream = this.#stream;
    const reply = answerTo(iq, this.room, {
      jingle: (request, jingle) =>
        this.#joined && this.state.phase.value === 'joined'
          ? this.media.jingle(request, jingle, {
              endpoint: this.state.endpoint.value,
              responder: stream?.jid ?? '',
              focus: from,
            })
          : refuse(request, 'cancel', 'service-unavailable'),
      muted: (what, actor) => this.#muted(what, actor),
    });
    if (reply) stream?.send(reply);
  }

  /** A moderator muted us. Nobody can unmute somebody else. */
  #muted(what: Muted, actor: string): void {
    const by = this.state.name(resource(actor)) || 'A moderator';
    switch (what) {
      case 'audio':
        void this.devices.setMicrophone(false);
        this.#notify(`${by} muted you.`);
        return;
      case 'video':
        void this.devices.setCamera(false);
        this.#notify(`${by} turned your camera off.`);
        return;
      case 'screen':
        this.devices.stopScreen();
        this.#notify(`${by} ended your screen share.`);
        return;
    }
  }

  #notify(notice: string): void {
    this.state.notice.value = notice;
    clearTimeout(this.#notice);
    this.#notice = setTimeout(() => (this.state.notice.value = ''), NOTICE_FOR);
  }

  #request(iq: Element): Promise<Element> {
    return this.#stream ? this.#stream.request(iq) : Promise.reject(new RequestError('closed'));
  }
}

/** The video codecs that this browser plays. */
function receivable(): string[] {
  if (typeof RTCRtpReceiver === 'undefined') return [];
  return (RTCRtpReceiver.getCapabilities('video')?.codecs ?? []).map(({ mimeType }) => mimeType);
}
