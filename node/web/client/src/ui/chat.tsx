import { useEffect, useRef, useState } from 'preact/hooks';
import type { Meeting } from '../meeting/meeting';
import { Icon } from './icons';
import { callName } from './people';

export function Chat({ meeting, onClose }: { meeting: Meeting; onClose(): void }) {
  const [typed, setTyped] = useState('');
  const log = useRef<HTMLDivElement>(null);
  const lines = meeting.state.chat.value;

  useEffect(() => {
    if (log.current) log.current.scrollTop = log.current.scrollHeight;
  }, [lines]);

  const say = (event: Event): void => {
    event.preventDefault();
    meeting.say(typed);
    setTyped('');
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) say(event);
  };

  return (
    <aside class="chat" aria-label="Chat">
      <div class="chat-head">
        <h2>Chat</h2>
        <button type="button" class="plain" aria-label="Close chat" title="Close chat" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <div class="chat-log" role="log" aria-label="Messages" tabIndex={0} ref={log}>
        {lines.length === 0 && <p class="hint">Nobody has written yet.</p>}
        {lines.map((line) => (
          <div key={line.key} class={`line${line.own ? ' own' : ''}`} data-testid="chat-message" data-from={line.from}>
            <div class="line-head">
              <span class="line-name">{callName(line.name, line.from)}</span>
              {line.private && <span>privately</span>}
              <time dateTime={isoTime(line.time)}>{clock(line.time)}</time>
            </div>
            <div class="line-body" data-testid="chat-body">
              {line.body}
            </div>
          </div>
        ))}
      </div>
      <form class="chat-form" onSubmit={say}>
        <label class="hidden" for="chat-input">
          Message
        </label>
        <textarea
          id="chat-input"
          data-testid="chat-input"
          rows={1}
          maxLength={4000}
          placeholder="Message"
          value={typed}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          onKeyDown={key}
        />
        <button type="submit" class="round small" data-testid="chat-send" aria-label="Send" title="Send">
          <Icon name="send" />
        </button>
      </form>
    </aside>
  );
}

function isoTime(time: Date): string {
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

function clock(time: Date): string {
  return Number.isNaN(time.getTime()) ? '' : time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
