/** Microphone and camera. A camera that is off is released, so that its light goes out; a muted microphone is kept. */
import { signal } from '@preact/signals';

export class Devices {
  /** what the person wants */
  readonly microphoneOn = signal(true);
  readonly cameraOn = signal(true);
  /** what there is */
  readonly microphone = signal<MediaStreamTrack | null>(null);
  readonly camera = signal<MediaStreamTrack | null>(null);
  /** the last thing that went wrong, for people; '' when nothing did */
  readonly problem = signal('');
  #queue: Promise<void> = Promise.resolve();

  constructor(private readonly height: number) {}

  /** Takes what is wanted, with one question for both. Never rejects: what is not there is off. */
  start(): Promise<void> {
    return this.#run(async () => {
      const audio = this.microphoneOn.value && !this.microphone.value;
      const video = this.cameraOn.value && !this.camera.value;
      if (!audio && !video) return;
      if (audio && video) {
        try {
          this.#take(await this.#ask(true, true));
          return;
        } catch {
          // One of the two may still work alone.
        }
      }
      if (audio) await this.#takeOr('audio');
      if (video) await this.#takeOr('video');
    });
  }

  setMicrophone(on: boolean): Promise<void> {
    this.microphoneOn.value = on;
    return this.#run(async () => {
      const wanted = this.microphoneOn.value;
      if (wanted && !this.microphone.value) await this.#takeOr('audio');
      if (this.microphone.value) this.microphone.value.enabled = wanted;
    });
  }

  setCamera(on: boolean): Promise<void> {
    this.cameraOn.value = on;
    return this.#run(async () => {
      const wanted = this.cameraOn.value;
      if (wanted && !this.camera.value) {
        await this.#takeOr('video');
      } else if (!wanted && this.camera.value) {
        this.camera.value.stop();
        this.camera.value = null;
      }
    });
  }

  stop(): void {
    void this.#run(async () => {
      this.microphone.value?.stop();
      this.camera.value?.stop();
      this.microphone.value = null;
      this.camera.value = null;
    });
  }

  async #takeOr(kind: 'audio' | 'video'): Promise<void> {
    try {
      this.#take(await this.#ask(kind === 'audio', kind === 'video'));
    } catch (error) {
      if (kind === 'audio') this.microphoneOn.value = false;
      else this.cameraOn.value = false;
      this.problem.value = explain(kind, error);
    }
  }

  #ask(audio: boolean, video: boolean): Promise<MediaStream> {
    if (!navigator.mediaDevices) throw new DOMException('no media devices', 'SecurityError');
    const height = this.height;
    return navigator.mediaDevices.getUserMedia({
      audio: audio && { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      video: video && {
        height: { ideal: height },
        width: { ideal: Math.round((height * 16) / 9) },
        frameRate: { ideal: 30, max: 30 },
      },
    });
  }

  #take(stream: MediaStream): void {
    this.problem.value = '';
    const [audio] = stream.getAudioTracks();
    const [video] = stream.getVideoTracks();
    if (audio) {
      audio.enabled = this.microphoneOn.value;
      audio.onended = () => {
        if (this.microphone.value !== audio) return;
        this.microphone.value = null;
        this.microphoneOn.value = false;
        this.problem.value = 'The microphone was disconnected.';
      };
      this.microphone.value = audio;
    }
    if (video) {
      video.onended = () => {
        if (this.camera.value !== video) return;
        this.camera.value = null;
        this.cameraOn.value = false;
        this.problem.value = 'The camera was disconnected.';
      };
      if (this.cameraOn.value) this.camera.value = video;
      else video.stop();
    }
  }

  #run(task: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(task).catch((error: unknown) => console.error('devices', error));
    return this.#queue;
  }
}

function explain(kind: 'audio' | 'video', error: unknown): string {
  const device = kind === 'audio' ? 'microphone' : 'camera';
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError') return `The browser does not let this page use the ${device}.`;
  if (name === 'NotFoundError') return `No ${device} was found.`;
  if (name === 'NotReadableError') return `The ${device} is used by another program.`;
  if (name === 'SecurityError') return `The ${device} can be used over https or on localhost only.`;
  return `The ${device} could not be started.`;
}
