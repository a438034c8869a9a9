/** One track that is seen or heard. */
import { useEffect, useRef } from 'preact/hooks';
import { forget, play } from './sound';

interface Media {
  kind: 'audio' | 'video';
  track: MediaStreamTrack | null;
  mirrored?: boolean;
  label: string;
  /** id of the speaker, '' for the browser's choice */
  speaker?: string;
}

export function Media({ kind, track, mirrored = false, label, speaker = '' }: Media) {
  const element = useRef<HTMLVideoElement & HTMLAudioElement>(null);
  useEffect(() => {
    const media = element.current;
    if (!media) return undefined;
    media.srcObject = track ? new MediaStream([track]) : null;
    if (track) play(media);
    return () => forget(media);
  }, [track]);
  useEffect(() => {
    const media = element.current;
    if (!media || kind !== 'audio' || !('setSinkId' in media) || media.sinkId === speaker) return;
    media.setSinkId(speaker).catch((error: unknown) => console.warn('speaker not used', error));
  }, [kind, speaker]);
  if (kind === 'audio') return <audio ref={element} aria-label={label} />;
  return (
    <video ref={element} muted playsInline hidden={track === null} class={mirrored ? 'mirrored' : ''} aria-label={label} />
  );
}
