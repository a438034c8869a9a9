/** How loud a microphone is. */

/**
 * @param told is called some times a second with a level from 0 (silence) to 1
 * @returns ends it
 */
export function watchLevel(track: MediaStreamTrack, told: (level: number) => void): () => void {
  if (typeof AudioContext === 'undefined') return () => undefined;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    told(loudness(samples));
  }, 100);
  // Some browsers measure nothing before the person did something on the page.
  const wake = (): void => void context.resume();
  wake();
  addEventListener('pointerdown', wake);
  addEventListener('keydown', wake);
  return () => {
    clearInterval(timer);
    removeEventListener('pointerdown', wake);
    removeEventListener('keydown', wake);
    void context.close();
  };
}

const QUIETEST = -60;

/** The loudness of samples on a scale of decibels: 0 at 60 dB below full scale and less, 1 at full scale. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const power = sum / Math.max(samples.length, 1);
  if (power === 0) return 0;
  return Math.min(1, Math.max(0, 1 - (10 * Math.log10(power)) / QUIETEST));
}
