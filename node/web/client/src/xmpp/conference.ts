/** The conference request: asks the focus for the room before joining it, as an IQ or as JSON over HTTP. */
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

/** The same question over HTTP. @param name of the room, which routes the request where rooms have their servers */
export async function conferenceOverHttp(url: string, name: string, room: string, machine: string): Promise<boolean> {
  const target = new URL(url, location.href);
  target.searchParams.set('room', name);
  const response = await fetch(target, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ machineUid: machine, room, properties: { rtcstatsEnabled: 'false' } }),
  });
  if (!response.ok) throw new Error(`conference request: ${response.status}`);
  const { ready } = (await response.json()) as { ready?: unknown };
  return ready === true || ready === 'true';
}
