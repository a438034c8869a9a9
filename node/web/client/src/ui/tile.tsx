/** One participant, or one screen that somebody shares. */
import type { ComponentChildren } from 'preact';
import { Icon } from './icons';
import { Media } from './player';

interface Tile {
  endpoint: string;
  name: string;
  local?: boolean;
  /** a shared screen, not its owner's camera */
  screen?: boolean;
  audio?: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
  audioMuted?: boolean;
  speaking?: boolean;
  moderator?: boolean;
  /** id of the speaker that plays it */
  speaker?: string;
  /** what can be done with it */
  children?: ComponentChildren;
}

export function Tile({
  endpoint,
  name,
  local = false,
  screen = false,
  audio = null,
  video,
  audioMuted = false,
  speaking = false,
  moderator = false,
  speaker = '',
  children,
}: Tile) {
  const label = screen ? (local ? 'Your screen' : `${name}'s screen`) : local ? `${name} (you)` : name;
  const identity = screen ? { 'data-screen': endpoint } : { 'data-endpoint': endpoint };
  return (
    <div
      class={`tile${speaking ? ' speaking' : ''}${screen ? ' screen' : ''}`}
      role="group"
      aria-label={speaking ? `${label}, speaking` : label}
      data-local={local ? '' : undefined}
      data-speaking={speaking ? '' : undefined}
      data-audio-muted={audioMuted ? '' : undefined}
      {...identity}
    >
      <Media kind="video" track={video} mirrored={local && !screen} label={`Picture of ${label}`} />
      {video === null && (
        <div class="avatar" style={{ '--hue': hueOf(endpoint) }} aria-hidden="true">
          {initials(name)}
        </div>
      )}
      {!local && !screen && <Media kind="audio" track={audio} label={`Voice of ${label}`} speaker={speaker} />}
      <div class="caption">
        {audioMuted && (
          <span class="muted" role="img" aria-label="Microphone muted">
            <Icon name="microphone" off />
          </span>
        )}
        {moderator && (
          <span role="img" aria-label="Moderator">
            <Icon name="star" />
          </span>
        )}
        <span class="name">{label}</span>
      </div>
      {children}
    </div>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return letters.map((word) => [...word][0]!.toUpperCase()).join('') || '?';
}

function hueOf(endpoint: string): number {
  return (parseInt(endpoint.slice(0, 6), 16) || 0) % 360;
}
