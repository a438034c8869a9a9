/**
 * A meeting: joins the room and holds it until the person leaves. It wires the XMPP stream, the room, the media
 * session and the devices to the state that the page shows; what each of them decides is in its own module.
 *
 * Three things can be lost, each with its own way back: the socket (the stream resumes, nothing else notices), the
 * stream (joined anew with a new endpoint id, for as long as it takes), the media session (the node is asked for a
 * fresh one).
 */
import { batch, effect } from '@preact/signals';
import { roomTitle } from '../settings/address';
import type { Config } from '../settings/config';
import { Devices } from '../media/devices';
import { conferenceIq, conferenceOverHttp, readConferenceIq } from '../xmpp/conference';
import { discoAnswer } from '../xmpp/disco';
import {
  chatMessage,
  isMuted,
  leavePresence,
  ownPresence,
  readMessage,
  readPresence,
  type RoomPresence,
  type SourceInfo,
} from '../xmpp/muc';
import { NS, bare, endpointOf, resource } from '../xmpp/names';
import { readServices, servicesIq } from '../xmpp/services';
import { RequestError, Stream, answer, refuse } from '../xmpp/stream';
import { attribute, child, text } from '../xmpp/xml';
import { explain } from './endings';
import { MediaRoom } from './media';
import { State } from './state';

const FOCUS = 'focus';
const REJOIN_MAX = 30_000;
const LEAVE_WAIT = 1_000;
const NOTICE_FOR = 6_000;

export class Meeting {
  readonly state = new State();
  readonly devices: Devices;
  readonly media: MediaRoom;
  /** JID of the room */
  readonly room: string;
  readonly #machine = randomHex(16);
  #stream: Stream | undefined;
  #password = '';
  #failures = 0;
  #rejoin: ReturnType<typeof setTimeout> | undefined;
  #notice: ReturnType<typeof setTimeout> | undefined;
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
    this.state.subject.value = config.subject;
    this.devices = new Devices(config.resolution);
    this.devices.microphoneOn.value = !config.startWithAudioMuted;
    this.devices.cameraOn.value = !config.startWithVideoMuted;
    this.media = new MediaRoom(this.state, this.devices, (iq) => this.#request(iq));
  }

  join(displayName: string): void {
    const { phase, displayName: name } = this.state;
    if (phase.value !== 'ready' && phase.value !== 'left' && phase.value !== 'ended') return;
    name.value = displayName.trim();
    phase.value = 'joining';
    void this.devices.start();
    const leaveAtOnce = (): void => this.#leaveAtOnce();
    const hurry = (): void => this.#stream?.hurry();
    addEventListener('pagehide', leaveAtOnce);
    addEventListener('online', hurry);
    this.#stop.push(
      () => removeEventListener('pagehide', leaveAtOnce),
      () => removeEventListener('online', hurry),
      effect(() => this.#announce(this.#sources())),
    );
    this.#connect();
  }

  /** Tries to get into a room that wants a password. */
  enterPassword(password: string): void {
    if (this.state.phase.value !== 'password') return;
    this.#password = password;
    this.state.phase.value = 'joining';
    this.#enter();
  }

  say(body: string): void {
    if (!this.#joined || body.trim() === '') return;
    this.#stream?.send(chatMessage(this.room, randomHex(8), body));
  }

  async leave(): Promise<void> {
    const joined = this.#joined;
    this.state.phase.value = 'left';
    this.media.end();
    if (joined) {
      this.#stream?.send(leavePresence(this.room, this.state.endpoint.value));
      await new Promise<void>((resolve) => {
        this.#left = resolve;
        setTimeout(resolve, LEAVE_WAIT);
      });
    }
    this.#finish();
  }

  #leaveAtOnce(): void {
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
      { url: this.config.websocket, domain: this.config.hosts.domain, room: roomTitle(this.roomNode) },
      {
        online: (jid) => void this.#online(stream, jid),
        offline: () => (this.state.reconnecting.value = true),
        resumed: () => (this.state.reconnecting.value = false),
        lost: (reason) => this.#lost(stream, reason),
        stanza: (stanza) => this.#stanza(stanza),
      },
    );
    this.#stream = stream;
    stream.connect();
  }

  async #online(stream: Stream, jid: string): Promise<void> {
    this.state.endpoint.value = endpointOf(jid);
    stream
      .request(servicesIq(this.config.hosts.domain))
      .then((services) => (this.media.iceServers = readServices(services)))
      .catch(() => undefined);
    try {
      await this.#requestConference(stream);
    } catch (error) {
      if (this.#stream !== stream) return;
      const condition = error instanceof RequestError ? error.condition : 'conference-request';
      if (condition === 'not-authorized' || condition === 'forbidden') this.#end(explain(condition));
      else this.#again(explain('conference-request'));
      return;
    }
    if (this.#stream === stream) this.#enter();
  }

  async #requestConference(stream: Stream): Promise<void> {
    for (let wait = 1000; this.#stream === stream; wait = Math.min(wait * 2, REJOIN_MAX)) {
      const url = this.config.conferenceRequestUrl;
      const ready = url
        ? await conferenceOverHttp(url, roomTitle(this.roomNode), this.room, this.#machine)
        : readConferenceIq(await stream.request(conferenceIq(this.config.hosts.focus, this.room, this.#machine)));
      if (ready) return;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  #enter(): void {
    const sources = this.#sources();
    this.#told = JSON.stringify(sources);
    this.#stream?.send(this.#presence(sources, true));
  }

  #presence(sources: SourceInfo, join: boolean): Element {
    return ownPresence({
      room: this.room,
      nick: this.state.endpoint.value,
      displayName: this.state.displayName.value,
      sources,
      join,
      password: this.#password,
    });
  }

  #sources(): SourceInfo {
    const { microphoneOn, microphone, camera } = this.devices;
    const endpoint = this.state.endpoint.value;
    return {
      [`${endpoint}-a0`]: { muted: !microphoneOn.value || microphone.value === null },
      [`${endpoint}-v0`]: { muted: camera.value === null },
    };
  }

  /** Tells the room what our sources do, whenever that changes. */
  #announce(sources: SourceInfo): void {
    const told = JSON.stringify(sources);
    if (!this.#joined || told === this.#told) return;
    this.#told = told;
    this.#stream?.send(this.#presence(sources, false));
  }

  #lost(stream: Stream, reason: string): void {
    if (this.#stream !== stream) return;
    if (reason === 'conflict' || reason === 'not-authorized') this.#end(explain(reason));
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
      else this.#roomMessage(stanza);
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
      audioMuted: isMuted(presence.sources, 'a'),
      videoMuted: isMuted(presence.sources, 'v'),
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
      return;
    }
    this.#end(explain(condition));
  }

  #roomMessage(stanza: Element): void {
    const message = readMessage(stanza);
    if (!message) return;
    if (message.kind === 'subject') {
      this.state.subject.value = message.body.slice(0, 200);
      return;
    }
    const own = message.nick === this.state.endpoint.value;
    this.state.addChat({
      from: message.nick,
      name: this.state.name(message.nick),
      own,
      private: message.kind === 'private',
      body: message.body,
      time: message.sent ? new Date(message.sent) : new Date(),
    });
  }

  #iq(iq: Element, from: string): void {
    const stream = this.#stream;
    if (!stream) return;
    const type = attribute(iq, 'type');
    const fromFocus = bare(from) === this.room && resource(from) === FOCUS;
    const query = child(iq, 'query', NS.disco);
    if (type === 'get' && query) {
      const info = discoAnswer(attribute(query, 'node'));
      stream.send(info ? answer(iq, info) : refuse(iq, 'cancel', 'item-not-found'));
      return;
    }
    if (type === 'get' && child(iq, 'ping', NS.ping)) {
      stream.send(answer(iq));
      return;
    }
    const jingle = child(iq, 'jingle', NS.jingle);
    if (type === 'set' && jingle && fromFocus) {
      const context = { endpoint: this.state.endpoint.value, responder: stream.jid, focus: from };
      stream.send(this.media.jingle(iq, jingle, context));
      return;
    }
    const muteAudio = child(iq, 'mute', NS.muteAudio);
    const mute = muteAudio ?? child(iq, 'mute', NS.muteVideo);
    if (type === 'set' && mute && fromFocus) {
      stream.send(answer(iq));
      if (text(mute).trim() === 'true') this.#muted(muteAudio ? 'audio' : 'video', attribute(mute, 'actor'));
      return;
    }
    stream.send(refuse(iq, 'cancel', 'service-unavailable'));
  }

  /** A moderator muted us. Nobody can unmute somebody else. */
  #muted(kind: 'audio' | 'video', actor: string): void {
    const by = this.state.name(resource(actor)) || 'A moderator';
    if (kind === 'audio') {
      void this.devices.setMicrophone(false);
      this.#notify(`${by} muted you.`);
    } else {
      void this.devices.setCamera(false);
      this.#notify(`${by} turned your camera off.`);
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

function randomHex(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
