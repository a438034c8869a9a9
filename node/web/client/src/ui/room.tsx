/** The meeting itself: tiles, chat, controls, and what the page has to say. */
import { useEffect, useState } from 'preact/hooks';
import type { Meeting } from '../meeting/meeting';
import { Chat } from './chat';
import { Controls } from './controls';
import { useFirst } from './focus';
import { NetworkButton } from './network';
import { Tiles } from './tiles';
import { playRefused, soundBlocked } from './sound';

const WIDE = 900;

export function Room({ meeting, title, measured }: { meeting: Meeting; title: string; measured: string }) {
  const { state } = meeting;
  const [chatOpen, setChatOpen] = useState(() => innerWidth >= WIDE);
  const [chatFocused, setChatFocused] = useState(false);
  const [to, setTo] = useState('');
  const [seen, setSeen] = useState(0);
  const heading = useFirst<HTMLHeadingElement>();
  const others = state.chat.value.filter(({ own }) => !own).length;
  useEffect(() => {
    if (chatOpen) setSeen(others);
  }, [chatOpen, others]);

  const openChat = (reader: string): void => {
    setTo(reader);
    setChatFocused(true);
    setChatOpen(true);
  };
  const closeChat = (): void => {
    setChatOpen(false);
    setChatFocused(false);
    document.getElementById('chat-button')?.focus();
  };

  return (
    <div class={`room${chatOpen ? ' with-chat' : ''}`} data-phase={state.phase.value}>
      <header>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <span class="count">{people(state.participants.value.length + 1)}</span>
        <NetworkButton meeting={meeting} measured={measured} />
      </header>
      <Notices meeting={meeting} />
      <main>
        <Tiles meeting={meeting} onWrite={openChat} />
        {chatOpen && <Chat meeting={meeting} to={to} onTo={setTo} focused={chatFocused} onClose={closeChat} />}
      </main>
      <Controls
        meeting={meeting}
        chatOpen={chatOpen}
        unread={chatOpen ? 0 : others - seen}
        onChat={() => (chatOpen ? closeChat() : openChat(to))}
      />
    </div>
  );
}

function Notices({ meeting }: { meeting: Meeting }) {
  const { state, devices } = meeting;
  const reconnecting = state.reconnecting.value;
  const notices = [
    state.unreachable.value,
    state.mediaLost.value && !reconnecting && state.unreachable.value === '' ? 'Sound and picture are interrupted …' : '',
    state.phase.value === 'joining' && !reconnecting ? 'Joining …' : '',
    devices.problem.value,
    state.notice.value,
  ].filter((notice) => notice !== '');
  return (
    <div class="notices" role="status">
      {reconnecting && (
        <p class="banner" data-testid="reconnecting">
          {state.ending.value || 'The connection is interrupted. Reconnecting …'}
        </p>
      )}
      {notices.map((notice) => (
        <p key={notice}>{notice}</p>
      ))}
      {soundBlocked.value && (
        <button type="button" class="primary" data-testid="sound" onClick={playRefused}>
          Turn on sound
        </button>
      )}
    </div>
  );
}

function people(count: number): string {
  return count === 1 ? '1 person' : `${count} people`;
}
