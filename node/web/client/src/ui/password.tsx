import { useState } from 'preact/hooks';
import type { Meeting } from '../meeting/meeting';
import { useFirst } from './focus';

export function Password({ meeting, title }: { meeting: Meeting; title: string }) {
  const [typed, setTyped] = useState('');
  const first = useFirst<HTMLInputElement>();
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
          ref={first}
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
