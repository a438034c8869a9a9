import type { Meeting } from '../meeting/meeting';
import { useFirst } from './focus';

export function Ended({ meeting, title }: { meeting: Meeting; title: string }) {
  const first = useFirst<HTMLButtonElement>();
  const left = meeting.state.phase.value === 'left';
  return (
    <main class="card">
      <h1>{title}</h1>
      <p role="status" data-testid="ending">
        {left ? 'You left the meeting.' : meeting.state.ending.value}
      </p>
      <button type="button" class="primary" data-testid="rejoin" ref={first} onClick={() => location.reload()}>
        Join again
      </button>
      <a href="/">Start page</a>
    </main>
  );
}
