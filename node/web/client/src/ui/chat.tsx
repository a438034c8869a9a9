import { useEffect, useRef, useState } from 'preact/hooks';
import type { Meeting } from '../meeting/meeting';
import type { ChatLine } from '../meeting/state';
import { Icon } from './icons';
import { callName } from './people';

interface Chat {
  meeting: Meeting;
  /** endpoint id of the only one who shall read what is typed, '' for all */
  to: string;
  onTo(to: string): void;
  /** whether typing can begin at once */
  focused: boolean;
  onClose(): void;
}

export function Chat({ meeting, to, onTo, focused, onClose }: Chat) {
  const [typed, setTyped] = useState('');
  const log = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const { state } = meeting;
  const lines = state.chat.value;
  const others = state.participants.value;
  // Never to all what was meant for one: who has left stays chosen.
  const gone = to !== '' && !others.some(({ id }) => id === to);

  useEffect(() => {
    if (log.current) log.current.scrollTop = log.current.scrollHeight;
  }, [lines]);
  useEffect(() => {
    if (focused) input.current?.focus();
  }, [focused, to]);

  const say = (event: Event): void => {
    event.preventDefault();
    if (gone) return;
    meeting.say(typed, to);
    setTyped('');
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) say(event);
  };

  return (
    <section class="chat" aria-label="Chat" onKeyDown={(event) => event.key === 'Escape' && onClose()}>
      <div class="chat-head">
        <h2>Chat</h2>
        <button type="button" class="plain" aria-label="Close chat" title="Close chat" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <div class="chat-log" role="log" aria-label="Messages" tabIndex={0} ref={log}>
        {lines.length === 0 && <p class="hint">Nobody has written yet.</p>}
        {lines.map((line) => (
          <Line key={line.key} line={line} reader={state.name(line.to)} />
        ))}
      </div>
      <form class="chat-form" onSubmit={say}>
        <label for="chat-to">To</label>
        <select id="chat-to" data-testid="chat-to" value={to} onChange={({ currentTarget }) => onTo(currentTarget.value)}>
          <option value="">Everyone</option>
          {others.map(({ id, name }) => (
            <option key={id} value={id}>
              {callName(name, id)}, privately
            </option>
          ))}
          {gone && <option value={to}>Somebody who has left</option>}
        </select>
        <label class="hidden" for="chat-input">
          Message
        </label>
        <textarea
          id="chat-input"
          data-testid="chat-input"
          ref={input}
          rows={1}
          maxLength={4000}
          placeholder={to === '' ? 'Message' : 'Private message'}
          value={typed}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          onKeyDown={key}
        />
        <button type="submit" class="round small" data-testid="chat-send" aria-label="Send" title="Send" disabled={gone}>
          <Icon name="send" />
        </button>
      </form>
    </section>
  );
}

function Line({ line, reader }: { line: ChatLine; reader: string }) {
  return (
    <div
      class={`line${line.own ? ' own' : ''}${line.private ? ' private' : ''}`}
      data-testid="chat-message"
      data-from={line.from}
      data-private={line.private ? '' : undefined}
    >
      <div class="line-head">
        <span class="line-name">{callName(line.name, line.from)}</span>
        {line.private && <span>{line.own ? `privately to ${callName(reader, line.to)}` : 'privately'}</span>}
        <time dateTime={isoTime(line.time)}>{clock(line.time)}</time>
      </div>
      <div class="line-body" data-testid="chat-body">
        {line.body}
      </div>
    </div>
  );
}

function isoTime(time: Date): string {
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

function clock(time: Date): string {
  return Number.isNaN(time.getTime()) ? '' : time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
