/** One participant, or one screen that somebody shares. */
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons';
import { forget, play } from './sound';

interface Tile {
  endpoint: string;
  name: string;
  local?: boolean;
  /** a shared screen, not its owner's camera */
  screen?: boolean;
  audio?: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
  audioMuted: boolean;
  speaking: boolean;
}

export function Tile({ endpoint, name, local, screen, audio = null, video, audioMuted, speaking }: Tile) {
  const label = screen ? `${name}'s screen` : local ? `${name} (you)` : name;
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
      <Media kind="video" track={video} mirrored={local === true && !screen} label={`Picture of ${label}`} />
      {video === null && (
        <div class="avatar" style={{ '--hue': hueOf(endpoint) }} aria-hidden="true">
          {initials(name)}
        </div>
      )}
      {!local && !screen && <Media kind="audio" track={audio} label={`Voice of ${label}`} />}
      <div class="caption">
        {audioMuted && !screen && (
          <span class="muted" role="img" aria-label="Microphone muted">
            <Icon name="microphone" off />
          </span>
        )}
        <span class="name">{label}</span>
      </div>
    </div>
  );
}

interface Media {
  kind: 'audio' | 'video';
  track: MediaStreamTrack | null;
  mirrored?: boolean;
  label: string;
}

function Media({ kind, track, mirrored = false, label }: Media) {
  const element = useRef<HTMLVideoElement & HTMLAudioElement>(null);
  useEffect(() => {
    const media = element.current;
    if (!media) return undefined;
    media.srcObject = track ? new MediaStream([track]) : null;
    if (track) play(media);
    return () => forget(media);
  }, [track]);
  if (kind === 'audio') return <audio ref={element} aria-label={label} />;
  return (
    <video ref={element} muted playsInline hidden={track === null} class={mirrored ? 'mirrored' : ''} aria-label={label} />
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
