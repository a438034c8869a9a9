/** What moderators ask for: of the focus to mute somebody, of the room to change what somebody is. */
import { NS, bare } from './names';
import { x } from './xml';

export type Muted = 'audio' | 'video' | 'screen';

const MUTE: Readonly<Record<Muted, string>> = { audio: NS.muteAudio, video: NS.muteVideo, screen: NS.muteScreen };

/** @param focus occupant JID of the focus. @param nick of whom to mute */
export function muteIq(focus: string, nick: string, what: Muted): Element {
  const jid = `${bare(focus)}/${nick}`;
  return x('iq', { xmlns: 'jabber:client', to: focus, type: 'set' }, x('mute', { xmlns: MUTE[what], jid }, 'true'));
}

export function kickIq(room: string, nick: string): Element {
  return adminIq(room, { nick, role: 'none' });
}

/** @param jid real JID of whom to make a moderator */
export function grantIq(room: string, nick: string, jid: string): Element {
  return adminIq(room, jid === '' ? { nick, affiliation: 'owner' } : { jid: bare(jid), affiliation: 'owner' });
}

function adminIq(room: string, item: Record<string, string>): Element {
  return x(
    'iq',
    { xmlns: 'jabber:client', to: room, type: 'set' },
    x('query', { xmlns: NS.mucAdmin }, x('item', { xmlns: NS.mucAdmin, ...item })),
  );
}
