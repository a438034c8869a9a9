/** The conference request: asks the focus for the room. */
import { NS } from './names';
import { attribute, child, x } from './xml';

export function conferenceIq(focus: string, room: string, machine: string): Element {
  return x(
    'iq',
    { xmlns: 'jabber:client', to: focus, type: 'set' },
    x(
      'conference',
      { xmlns: NS.focus, 'machine-uid': machine, room },
      x('property', { name: 'rtcstatsEnabled', value: 'false' }),
    ),
  );
}

/** @returns whether the room is ready; when not, ask again later */
export function readConferenceIq(iq: Element): boolean {
  const answer = child(iq, 'conference', NS.focus);
  return answer !== undefined && attribute(answer, 'ready') === 'true';
}
