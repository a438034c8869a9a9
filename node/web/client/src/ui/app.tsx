/** Which screen is shown: the start page without a room, else what the meeting's phase says. */
import { useEffect, useMemo } from 'preact/hooks';
import { Meeting } from '../meeting/meeting';
import { hashParameters, roomOfPath, roomTitle } from '../settings/address';
import { readConfig } from '../settings/config';
import { storedName } from '../settings/memory';
import { Ended } from './ended';
import { Password, Prejoin } from './prejoin';
import { Room } from './room';
import { Start } from './start';

export function App() {
  const room = roomOfPath(location.pathname);
  return room === '' ? <Start /> : <InRoom room={room} />;
}

function InRoom({ room }: { room: string }) {
  const { meeting, name, auto } = useMemo(() => {
    const hash = hashParameters(location.hash);
    const config = readConfig(window.config, hash, location);
    const given = hash.get('userInfo.displayName');
    const named = (typeof given === 'string' || typeof given === 'number') && String(given).trim() !== '';
    return {
      meeting: new Meeting(config, room),
      name: named ? String(given) : storedName(),
      auto: named && !config.prejoin,
    };
  }, [room]);
  const title = meeting.state.subject.value || roomTitle(room);

  useEffect(() => {
    document.title = `${title} · Atoll`;
  }, [title]);
  useEffect(() => {
    if (auto) meeting.join(name);
  }, [meeting, auto, name]);

  switch (meeting.state.phase.value) {
    case 'ready':
      return auto ? null : <Prejoin meeting={meeting} title={title} name={name} />;
    case 'password':
      return <Password meeting={meeting} title={title} />;
    case 'joining':
    case 'joined':
      return <Room meeting={meeting} title={title} />;
    case 'left':
    case 'ended':
      return <Ended meeting={meeting} title={title} />;
  }
}
