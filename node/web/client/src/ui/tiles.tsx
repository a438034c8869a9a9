/** Everybody as tiles of one size; while somebody shares a screen, screens large and everybody in a strip beside them. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { wantedHeight } from '../bridge/messages';
import type { Meeting } from '../meeting/meeting';
import type { Participant } from '../meeting/state';
import { useSize } from './box';
import { layout, type Layout } from './grid';
import { Menu, type Action } from './menu';
import { callName } from './people';
import { Tile } from './tile';

const GAP = 8;
/** height of a tile in the strip, in pixels */
const STRIP = 108;
/** A screen is read, not watched: its text needs its pixels. */
const SCREEN_HEIGHT = 2160;

interface Tiles {
  meeting: Meeting;
  /** Somebody is to be written to. */
  onWrite(endpoint: string): void;
}

export function Tiles({ meeting, onWrite }: Tiles) {
  const { state, devices } = meeting;
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const participants = state.participants.value;
  const sharing = participants.filter((participant) => participant.sharing);
  const ownScreen = devices.screen.value;

  const people = [
    ...participants.map((participant) => (
      <Remote key={participant.id} meeting={meeting} participant={participant} onWrite={onWrite} />
    )),
    ...(ownScreen ? [<Tile key="own-screen" endpoint={state.endpoint.value} name="You" local screen video={ownScreen} />] : []),
    <Own key="own" meeting={meeting} />,
  ];
  const screens = sharing.map(({ id, name }) => (
    <Tile key={`screen-${id}`} endpoint={id} name={callName(name, id)} screen video={state.trackOf(id, 'video', true)} />
  ));

  const large = screens.length > 0;
  const grid = layout(people.length, size.width, size.height, GAP);
  const wanted = wantedHeight((large ? STRIP : grid.height) * devicePixelRatio);
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

  // One element in both cases: tiles that were made anew would fall silent for a moment.
  return (
    <div class={`stage${large ? ' with-screens' : ''}`}>
      {large && <Screens>{screens}</Screens>}
      <div class="people" ref={box}>
        <div
          class={large ? 'strip' : 'tiles'}
          role={large ? 'group' : undefined}
          aria-label={large ? 'People' : undefined}
          tabIndex={large ? 0 : undefined}
          style={large ? stripStyle : gridStyle(grid)}
        >
          {people}
        </div>
      </div>
    </div>
  );
}

function Screens({ children }: { children: ComponentChildren[] }) {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  return (
    <div class="screens" ref={box}>
      <div class="tiles" style={gridStyle(layout(children.length, size.width, size.height, GAP))}>
        {children}
      </div>
    </div>
  );
}

function gridStyle({ columns, width, height }: Layout): Record<string, string> {
  return {
    '--tile-width': `${width}px`,
    '--tile-height': `${height}px`,
    width: `${columns * (width + GAP) - GAP}px`,
  };
}

const stripStyle: Record<string, string> = {
  '--tile-width': `${Math.round((STRIP * 16) / 9)}px`,
  '--tile-height': `${STRIP}px`,
  width: '',
};

function Own({ meeting: { state, devices } }: { meeting: Meeting }) {
  return (
    <Tile
      endpoint={state.endpoint.value}
      name={callName(state.displayName.value, state.endpoint.value)}
      local
      video={devices.camera.value}
      audioMuted={!devices.microphoneOn.value || devices.microphone.value === null}
      moderator={state.moderator.value}
      speaking={state.dominant.value !== '' && state.dominant.value === state.endpoint.value}
    />
  );
}

interface Remote {
  meeting: Meeting;
  participant: Participant;
  onWrite(endpoint: string): void;
}

function Remote({ meeting, participant, onWrite }: Remote) {
  const { state, devices } = meeting;
  const { id, audioMuted, videoMuted, moderator } = participant;
  const name = callName(participant.name, id);
  return (
    <Tile
      endpoint={id}
      name={name}
      audio={state.trackOf(id, 'audio')}
      video={videoMuted ? null : state.trackOf(id, 'video')}
      audioMuted={audioMuted}
      moderator={moderator}
      speaking={state.dominant.value === id}
      speaker={devices.chosen.speaker.value}
    >
      <Menu label={`Actions for ${name}`} actions={actionsFor(meeting, participant, onWrite)} />
    </Tile>
  );
}

function actionsFor(meeting: Meeting, participant: Participant, onWrite: (endpoint: string) => void): Action[] {
  const { id, audioMuted, videoMuted, sharing, moderator } = participant;
  const actions: Action[] = [{ name: 'write', label: 'Write privately', act: () => onWrite(id) }];
  if (!meeting.state.moderator.value) return actions;
  if (!audioMuted) actions.push({ name: 'mute', label: 'Mute', act: () => meeting.mute(id, 'audio') });
  if (!videoMuted) actions.push({ name: 'camera-off', label: 'Turn camera off', act: () => meeting.mute(id, 'video') });
  if (sharing) actions.push({ name: 'screen-off', label: 'End screen share', act: () => meeting.mute(id, 'screen') });
  if (!moderator) actions.push({ name: 'grant', label: 'Make moderator', act: () => meeting.grant(id) });
  actions.push({ name: 'kick', label: 'Remove from the meeting', act: () => meeting.kick(id), danger: true });
  return actions;
}
