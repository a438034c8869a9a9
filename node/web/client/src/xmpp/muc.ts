/** Presence and messages of a room (XEP-0045 and Jitsi's additions): building ours, reading the others'. */
import { capsElement } from './disco';
import { NS, resource } from './names';
import { attribute, child, children, errorCondition, text, x } from './xml';

/** What one source of a participant is doing, as presence tells it. */
export interface SourceState {
  muted: boolean;
  videoType?: string;
}

/** SourceInfo: source name (`<endpoint>-a0`, `-v0`, `-v1` …) to its state. */
export type SourceInfo = Readonly<Record<string, SourceState>>;

export interface OwnPresence {
  room: string;
  nick: string;
  displayName: string;
  sources: SourceInfo;
  /** video codecs we take, the preferred first */
  codecs: readonly string[];
  /** true in the presence that joins */
  join: boolean;
  password?: string;
}

/** The whole presence; rooms broadcast each one in full, so every update repeats everything. */
export function ownPresence(own: OwnPresence): Element {
  const password = own.password ? x('password', {}, own.password) : undefined;
  return x(
    'presence',
    { xmlns: 'jabber:client', to: `${own.room}/${own.nick}` },
    own.join ? x('x', { xmlns: NS.muc }, password) : undefined,
    capsElement(),
    x('SourceInfo', {}, JSON.stringify(own.sources)),
    x('jitsi_participant_codecList', {}, own.codecs.join()),
    own.displayName === '' ? undefined : x('nick', { xmlns: NS.nick }, own.displayName),
  );
}

export function leavePresence(room: string, nick: string): Element {
  return x('presence', { xmlns: 'jabber:client', to: `${room}/${nick}`, type: 'unavailable' });
}

export function chatMessage(room: string, id: string, body: string): Element {
  return x('message', { xmlns: 'jabber:client', to: room, type: 'groupchat', id }, x('body', {}, body));
}

/** A message to one occupant, seen by nobody else. */
export function privateMessage(room: string, nick: string, id: string, body: string): Element {
  return x('message', { xmlns: 'jabber:client', to: `${room}/${nick}`, type: 'chat', id }, x('body', {}, body));
}

export function subjectMessage(room: string, subject: string): Element {
  return x('message', { xmlns: 'jabber:client', to: room, type: 'groupchat' }, x('subject', {}, subject));
}

/** A presence from the room. */
export interface RoomPresence {
  nick: string;
  /** available, unavailable or error */
  type: 'available' | 'unavailable' | 'error';
  /** status 110: it is about us */
  self: boolean;
  statuses: readonly string[];
  moderator: boolean;
  /** real JID, '' when the room hides it */
  jid: string;
  displayName: string;
  sources: SourceInfo;
  /** the error condition; '' unless type is error */
  condition: string;
  /** reason given with a kick, a ban or the room's end */
  reason: string;
  destroyed: boolean;
}

export function readPresence(stanza: Element): RoomPresence {
  const type = attribute(stanza, 'type');
  const user = child(stanza, 'x', NS.mucUser);
  const item = user && child(user, 'item');
  const destroy = user && child(user, 'destroy');
  const statuses = user ? children(user, 'status').map((status) => attribute(status, 'code')) : [];
  return {
    nick: resource(attribute(stanza, 'from')),
    type: type === 'unavailable' || type === 'error' ? type : 'available',
    self: statuses.includes('110'),
    statuses,
    moderator: item !== undefined && attribute(item, 'role') === 'moderator',
    jid: item ? attribute(item, 'jid') : '',
    displayName: text(child(stanza, 'nick', NS.nick)).trim().slice(0, 80),
    sources: readSourceInfo(text(child(stanza, 'SourceInfo'))),
    condition: type === 'error' ? errorCondition(stanza) || 'undefined-condition' : '',
    reason: text((item && child(item, 'reason')) ?? (destroy && child(destroy, 'reason'))).slice(0, 200),
    destroyed: destroy !== undefined,
  };
}

/** Reads SourceInfo as another client wrote it; whatever is not as it should be is left out. */
export function readSourceInfo(json: string): SourceInfo {
  const info: Record<string, SourceState> = Object.create(null) as Record<string, SourceState>;
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return info;
  }
  if (typeof parsed !== 'object' || parsed === null) return info;
  for (const [name, value] of Object.entries(parsed).slice(0, 16)) {
    if (typeof value !== 'object' || value === null) continue;
    const { muted, videoType } = value as { muted?: unknown; videoType?: unknown };
    info[name] = { muted: muted === true, ...(typeof videoType === 'string' ? { videoType } : {}) };
  }
  return info;
}

/**
 * Whether a participant's sources of a kind are all muted. One that names no source of the kind has none, which looks
 * the same: nothing to hear or to see.
 * @param kind a or v; screens (`videoType: desktop`) do not count as camera
 */
export function isMuted(sources: SourceInfo, kind: 'a' | 'v'): boolean {
  const of = Object.entries(sources).filter(
    ([name, state]) => new RegExp(`-${kind}\\d+$`).test(name) && state.videoType !== 'desktop',
  );
  return of.every(([, state]) => state.muted);
}

/** Whether a participant shows a screen. */
export function isSharing(sources: SourceInfo): boolean {
  return Object.values(sources).some(({ muted, videoType }) => !muted && videoType === 'desktop');
}

/** A message from the room; undefined when it is none for people to read. */
export interface RoomMessage {
  nick: string;
  id: string;
  kind: 'chat' | 'private' | 'subject';
  body: string;
  /** when it was sent, of delayed messages (XEP-0203) */
  sent?: string;
}

export function readMessage(stanza: Element): RoomMessage | undefined {
  const type = attribute(stanza, 'type');
  if (type !== 'groupchat' && type !== 'chat') return undefined;
  const common = { nick: resource(attribute(stanza, 'from')), id: attribute(stanza, 'id') };
  const body = child(stanza, 'body');
  const subject = child(stanza, 'subject');
  if (type === 'groupchat' && subject && !body) return { ...common, kind: 'subject', body: text(subject) };
  if (!body || text(body) === '') return undefined;
  const delay = child(stanza, 'delay', NS.delay);
  const stamp = delay ? attribute(delay, 'stamp') : '';
  return {
    ...common,
    kind: type === 'chat' ? 'private' : 'chat',
    body: text(body).slice(0, 10_000),
    ...(stamp ? { sent: stamp } : {}),
  };
}
