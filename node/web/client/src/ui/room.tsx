/** The meeting itself: tiles, chat, controls, and what the page has to say. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { wantedHeight } from '../bridge/messages';
import type { Meeting } from '../meeting/meeting';
import type { Participant } from '../meeting/state';
import { Chat } from './chat';
import { Controls } from './controls';
import { layout } from './grid';
import { callName } from './people';
import { playRefused, soundBlocked } from './sound';
import { Tile } from './tile';

const GAP = 8;
const WIDE = 900;
/** A screen is read, not watched: its text needs its pixels. */
const SCREEN_HEIGHT = 2160;

export function Room({ meeting, title }: { meeting: Meeting; title: string }) {
  const { state } = meeting;
  const [chatOpen, setChatOpen] = useState(() => innerWidth >= WIDE);
  const [seen, setSeen] = useState(0);
  const others = state.chat.value.filter(({ own }) => !own).length;
  useEffect(() => {
    if (chatOpen) setSeen(others);
  }, [chatOpen, others]);

  return (
    <div class={`room${chatOpen ? ' with-chat' : ''}`} data-phase={state.phase.value}>
      <header>
        <h1>{title}</h1>
        <span class="count">{people(state.participants.value.length + 1)}</span>
      </header>
      <Notices meeting={meeting} />
      <main>
        <Tiles meeting={meeting} />
      </main>
      {chatOpen && <Chat meeting={meeting} onClose={() => setChatOpen(false)} />}
      <Controls
        meeting={meeting}
        chatOpen={chatOpen}
        unread={chatOpen ? 0 : others - seen}
        onChat={() => setChatOpen(!chatOpen)}
      />
    </div>
  );
}

function Notices({ meeting }: { meeting: Meeting }) {
  const { state, devices } = meeting;
  const notices = [
    state.reconnecting.value ? state.ending.value || 'Reconnecting …' : '',
    state.mediaLost.value && !state.reconnecting.value ? 'Sound and picture are interrupted …' : '',
    state.phase.value === 'joining' && !state.reconnecting.value ? 'Joining …' : '',
    devices.problem.value,
    state.notice.value,
  ].filter((notice) => notice !== '');
  return (
    <div class="notices" role="status">
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

function Tiles({ meeting }: { meeting: Meeting }) {
  const { state, devices } = meeting;
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const participants = state.participants.value;
  const screens = participants.filter(({ id }) => state.trackOf(id, 'video', true) !== null);
  const count = participants.length + screens.length + 1;
  const grid = layout(count, size.width, size.height, GAP);
  const wanted = wantedHeight(grid.height * devicePixelRatio);
  const screenSources = [...state.media.value.values()]
    .filter(({ slot }) => slot.videoType.startsWith('desktop'))
    .map(({ slot }) => slot.source);
  useEffect(() => {
    if (wanted === 0) return;
    meeting.media.want({
      maxHeight: wanted,
      heights: Object.fromEntries(screenSources.map((source) => [source, SCREEN_HEIGHT])),
    });
  }, [meeting, wanted, screenSources.join()]);

  const style = {
    '--tile-width': `${grid.width}px`,
    '--tile-height': `${grid.height}px`,
    '--gap': `${GAP}px`,
    width: `${grid.columns * (grid.width + GAP) - GAP}px`,
  };
  return (
    <div class="stage" ref={box}>
      <div class="tiles" style={style}>
        {screens.map(({ id, name }) => (
          <Tile
            key={`screen-${id}`}
            endpoint={id}
            name={callName(name, id)}
            screen
            video={state.trackOf(id, 'video', true)}
            audioMuted={false}
            speaking={false}
          />
        ))}
        {participants.map((participant) => (
          <Remote key={participant.id} meeting={meeting} participant={participant} />
        ))}
        <Tile
          key="local"
          endpoint={state.endpoint.value}
          name={callName(state.displayName.value, state.endpoint.value)}
          local
          video={devices.camera.value}
          audioMuted={!devices.microphoneOn.value || devices.microphone.value === null}
          speaking={state.dominant.value !== '' && state.dominant.value === state.endpoint.value}
        />
      </div>
    </div>
  );
}

function Remote({ meeting, participant }: { meeting: Meeting; participant: Participant }) {
  const { state } = meeting;
  const { id, name, audioMuted, videoMuted } = participant;
  return (
    <Tile
      endpoint={id}
      name={callName(name, id)}
      audio={state.trackOf(id, 'audio')}
      video={videoMuted ? null : state.trackOf(id, 'video')}
      audioMuted={audioMuted}
      speaking={state.dominant.value === id}
    />
  );
}

function people(count: number): string {
  return count === 1 ? '1 person' : `${count} people`;
}
