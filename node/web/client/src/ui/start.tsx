import { useState } from 'preact/hooks';
import { useFirst } from './focus';
import { roomNode } from '../settings/address';

export function Start() {
  const [room, setRoom] = useState('');
  const first = useFirst<HTMLInputElement>();
  const open = (event: Event): void => {
    event.preventDefault();
    const node = roomNode(room);
    if (node !== '') location.assign(`/${node}`);
  };
  return (
    <main class="card">
      <h1>Atoll</h1>
      <p>Type a name and share the address: whoever opens it is in the same meeting.</p>
      <form onSubmit={open}>
        <label for="room">Meeting</label>
        <input
          id="room"
          ref={first}
          data-testid="room-name"
          value={room}
          onInput={({ currentTarget }) => setRoom(currentTarget.value)}
          autocomplete="off"
          maxLength={120}
          required
        />
        <button type="submit" class="primary" data-testid="open">
          Open
        </button>
      </form>
    </main>
  );
}
