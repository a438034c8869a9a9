/** What others ask of us: who we are, whether we are there, the focus's sessions, and moderators' wishes. */
import { discoAnswer } from '../xmpp/disco';
import { NS, bare, resource } from '../xmpp/names';
import { answer, refuse } from '../xmpp/stream';
import { attribute, child, text } from '../xmpp/xml';
import type { Muted } from '../xmpp/moderation';

export const FOCUS = 'focus';

export interface Asked {
  /** Handles a Jingle request of the focus. @returns the answer to send */
  jingle(iq: Element, jingle: Element): Element;
  /** A moderator wants us quiet. @param actor occupant JID of who that is */
  muted(what: Muted, actor: string): void;
}

/** @returns the answer to a request; undefined for what is none */
export function answerTo(iq: Element, room: string, asked: Asked): Element | undefined {
  const type = attribute(iq, 'type');
  if (type !== 'get' && type !== 'set') return undefined;
  const from = attribute(iq, 'from');
  const fromFocus = bare(from) === room && resource(from) === FOCUS;
  const query = child(iq, 'query', NS.disco);
  if (type === 'get' && query) {
    const info = discoAnswer(attribute(query, 'node'));
    return info ? answer(iq, info) : refuse(iq, 'cancel', 'item-not-found');
  }
  if (type === 'get' && child(iq, 'ping', NS.ping)) return answer(iq);
  if (type === 'set' && fromFocus) {
    const jingle = child(iq, 'jingle', NS.jingle);
    if (jingle) return asked.jingle(iq, jingle);
    for (const [what, space] of MUTES) {
      const mute = child(iq, 'mute', space);
      if (!mute) continue;
      if (text(mute).trim() === 'true') asked.muted(what, attribute(mute, 'actor'));
      return answer(iq);
    }
  }
  return refuse(iq, 'cancel', 'service-unavailable');
}

const MUTES: readonly (readonly [Muted, string])[] = [
  ['audio', NS.muteAudio],
  ['video', NS.muteVideo],
  ['screen', NS.muteScreen],
];
