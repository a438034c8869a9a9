import { useState } from 'preact/hooks';
import type { Meeting } from '../meeting/meeting';
import { storeName } from '../settings/memory';
import { CameraButton, MicrophoneButton } from './controls';

export function Prejoin({ meeting, title, name }: { meeting: Meeting; title: string; name: string }) {
  const [typed, setTyped] = useState(name);
  const join = (event: Event): void => {
    event.preventDefault();
    storeName(typed.trim());
    meeting.join(typed);
  };
  return (
    <main class="card">
      <h1>{title}</h1>
      <form onSubmit={join}>
        <label for="name">Your name</label>
        <input
          id="name"
          data-testid="name"
          value={typed}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          autocomplete="name"
          maxLength={80}
        />
        <div class="row">
          <MicrophoneButton meeting={meeting} choose />
          <CameraButton meeting={meeting} choose />
        </div>
        <button type="submit" class="primary" data-testid="join">
          Join
        </button>
      </form>
    </main>
  );
}

export function Password({ meeting, title }: { meeting: Meeting; title: string }) {
  const [typed, setTyped] = useState('');
  const enter = (event: Event): void => {
    event.preventDefault();
    meeting.enterPassword(typed);
  };
  return (
    <main class="card">
      <h1>{title}</h1>
      <p role="status">{meeting.state.ending.value || 'This meeting has a password.'}</p>
      <form onSubmit={enter}>
        <label for="password">Password</label>
        <input
          id="password"
          data-testid="password"
          type="password"
          value={typed}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          autocomplete="off"
          required
        />
        <button type="submit" class="primary" data-testid="enter">
          Enter
        </button>
      </form>
    </main>
  );
}
