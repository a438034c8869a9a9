/** Before joining: who one is, and how one looks and sounds. */
import { useEffect, useState } from 'preact/hooks';
import type { Meeting } from '../meeting/meeting';
import { remember } from '../settings/memory';
import { useFirst } from './focus';
import { CameraButton, MicrophoneButton } from './controls';
import { Level, Pickers } from './pickers';
import { Media } from './player';

export function Prejoin({ meeting, title, name, arrived }: { meeting: Meeting; title: string; name: string; arrived: string }) {
  const { devices } = meeting;
  const [typed, setTyped] = useState(name);
  const first = useFirst<HTMLInputElement>(name === '');
  useEffect(() => {
    meeting.prepare();
    void devices.start();
  }, [meeting, devices]);
  const join = (event: Event): void => {
    event.preventDefault();
    remember('displayName', typed.trim());
    meeting.join(typed);
  };
  const camera = devices.camera.value;
  return (
    <main class="card wide">
      <h1>{title}</h1>
      {arrived !== '' && <p data-testid="arrived">{arrived}</p>}
      <div class="before">
        <div class="preview">
          <div class="frame">
            <Media kind="video" track={camera} mirrored label="Your picture" />
            {camera === null && <p>{devices.cameraOn.value ? 'Starting the camera …' : 'Your camera is off.'}</p>}
          </div>
          <Level devices={devices} />
          <div class="row">
            <MicrophoneButton meeting={meeting} />
            <CameraButton meeting={meeting} />
          </div>
        </div>
        <form onSubmit={join}>
          <label for="name">Your name</label>
          <input
            id="name"
            ref={first}
            data-testid="name"
            value={typed}
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
            autocomplete="name"
            maxLength={80}
          />
          <Pickers devices={devices} />
          <p role="status" class="problem">
            {devices.problem.value}
          </p>
          <button type="submit" class="primary" data-testid="join">
            Join
          </button>
        </form>
      </div>
    </main>
  );
}
