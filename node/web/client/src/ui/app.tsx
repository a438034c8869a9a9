/** Which screen is shown: the start page without a room, else what the meeting's phase says. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { findHome, type Home } from '../homing/home';
import { Meeting } from '../meeting/meeting';
import { displayName, hashParameters, roomOfPath, roomTitle } from '../settings/address';
import { readConfig } from '../settings/config';
import { remembered } from '../settings/memory';
import { Ended } from './ended';
import { Password } from './password';
import { Prejoin } from './prejoin';
import { Room } from './room';
import { Start } from './start';

export function App() {
  const room = roomOfPath(location.pathname);
  return room === '' ? <Start /> : <AtHome room={room} />;
}

/** The meeting begins where it is to be held: what begins at another node would have to be given up. */
function AtHome({ room }: { room: string }) {
  const found = useMemo(() => findHome(window.config), []);
  const [home, setHome] = useState<Home | null>(found instanceof Promise ? null : found);
  useEffect(() => void Promise.resolve(found).then(setHome), [found]);
  if (home !== null) return <InRoom room={room} home={home} />;
  return (
    <main class="card">
      <h1>{roomTitle(room)}</h1>
      <p role="status" data-testid="measuring">
        Looking for the nearest node …
      </p>
    </main>
  );
}

function InRoom({ room, home }: { room: string; home: Home }) {
  const { meeting, name, prejoin } = useMemo(() => {
    const hash = hashParameters(location.hash);
    const config = readConfig(window.config, hash, location);
    return {
      meeting: new Meeting(config, room),
      name: displayName(hash) || home.name || remembered('displayName'),
      prejoin: config.prejoin,
    };
  }, [room, home]);
  const { phase, subject } = meeting.state;
  const title = subject.value || roomTitle(room);

  useEffect(() => {
    document.title = `${title} · Atoll`;
  }, [title]);
  useEffect(() => {
    addEventListener('pagehide', () => meeting.leaveAtOnce());
    addEventListener('online', () => meeting.hurry());
    // The browser kept the page, but what it was connected to is gone.
    addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
  }, [meeting]);
  useEffect(() => {
    if (!prejoin) meeting.join(name);
  }, [meeting, prejoin, name]);

  switch (phase.value) {
    case 'ready':
      return prejoin ? <Prejoin meeting={meeting} title={title} name={name} arrived={home.arrived} /> : null;
    case 'password':
      return <Password meeting={meeting} title={title} />;
    case 'joining':
    case 'joined':
      return <Room meeting={meeting} title={title} measured={home.measured} />;
    case 'left':
    case 'ended':
      return <Ended meeting={meeting} title={title} />;
  }
}
