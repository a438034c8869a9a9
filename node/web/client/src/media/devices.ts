/**
 * Microphone, camera, speaker and the shared screen. A camera that is off is released, so that its light goes out; a
 * muted microphone is kept.
 */
import { signal, type Signal } from '@preact/signals';
import { remember, remembered } from '../settings/memory';

/** What there is to choose from. */
export type DeviceKind = 'microphone' | 'camera' | 'speaker';

const KINDS: Readonly<Record<DeviceKind, MediaDeviceKind>> = {
  microphone: 'audioinput',
  camera: 'videoinput',
  speaker: 'audiooutput',
};

type Track = MediaStreamTrack | null;

export class Devices {
  /** what the person wants */
  readonly microphoneOn = signal(true);
  readonly cameraOn = signal(true);
  /** what there is */
  readonly microphone = signal<Track>(null);
  readonly camera = signal<Track>(null);
  readonly screen = signal<Track>(null);
  /** ids of the chosen devices, '' for the browser's choice */
  readonly chosen: Readonly<Record<DeviceKind, Signal<string>>> = {
    microphone: signal(remembered('microphone')),
    camera: signal(remembered('camera')),
    speaker: signal(remembered('speaker')),
  };
  /** all devices that the browser names; names come with the permission to use one */
  readonly known = signal<readonly MediaDeviceInfo[]>([]);
  /** the last thing that went wrong, for people; '' when nothing did */
  readonly problem = signal('');
  #queue: Promise<void> = Promise.resolve();

  constructor(private readonly height: number) {
    if (!navigator.mediaDevices) return;
    navigator.mediaDevices.addEventListener('devicechange', () => void this.#list());
    void this.#list();
  }

  /** Whether the speaker can be chosen here. */
  static get speakers(): boolean {
    return 'setSinkId' in HTMLMediaElement.prototype;
  }

  /** Whether screens can be shared here: phones cannot. */
  static get screens(): boolean {
    return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
  }

  of(kind: DeviceKind): MediaDeviceInfo[] {
    return this.known.value.filter((device) => device.kind === KINDS[kind] && device.deviceId !== '');
  }

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
      if (wanted && !this.camera.value) await this.#takeOr('video');
      else if (!wanted) this.#release(this.camera);
    });
  }

  /** @param id of the device, '' for the browser's choice */
  choose(kind: DeviceKind, id: string): Promise<void> {
    this.chosen[kind].value = id;
    remember(kind, id);
    if (kind === 'speaker') return Promise.resolve();
    return this.#run(async () => {
      const held = kind === 'camera' ? this.camera : this.microphone;
      if (!held.value) return;
      // Before the next is taken: some browsers open one microphone at a time.
      this.#release(held);
      await this.#takeOr(kind === 'camera' ? 'video' : 'audio');
    });
  }

  /** Asks which screen to share and shares it; does nothing when the person decides otherwise. */
  async shareScreen(): Promise<void> {
    if (this.screen.value) return;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 30 } }, audio: false });
      const [track] = stream.getVideoTracks();
      if (!track) return;
      track.contentHint = 'detail';
      track.onended = () => {
        if (this.screen.value === track) this.screen.value = null;
      };
      this.#release(this.screen);
      this.screen.value = track;
      this.problem.value = '';
    } catch (error) {
      // Not allowed is what browsers say when the person chose none.
      if (nameOf(error) !== 'NotAllowedError') this.problem.value = 'The screen could not be shared.';
    }
  }

  stopScreen(): void {
    this.#release(this.screen);
  }

  stop(): void {
    this.stopScreen();
    void this.#run(async () => {
      this.#release(this.microphone);
      this.#release(this.camera);
    });
  }

  #release(held: Signal<Track>): void {
    held.value?.stop();
    held.value = null;
  }

  async #list(): Promise<void> {
    try {
      this.known.value = await navigator.mediaDevices.enumerateDevices();
    } catch {
      this.known.value = [];
    }
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
    const { microphone, camera } = this.chosen;
    const device = (id: string): { deviceId?: ConstrainDOMString } => (id === '' ? {} : { deviceId: { ideal: id } });
    return navigator.mediaDevices.getUserMedia({
      audio: audio && {
        ...device(microphone.value),
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
      },
      video: video && {
        ...device(camera.value),
        height: { ideal: this.height },
        width: { ideal: Math.round((this.height * 16) / 9) },
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
    // Only now may the browser tell their names.
    void this.#list();
  }

  #run(task: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(task).catch((error: unknown) => console.error('devices', error));
    return this.#queue;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function explain(kind: 'audio' | 'video', error: unknown): string {
  const device = kind === 'audio' ? 'microphone' : 'camera';
  const name = nameOf(error);
  if (name === 'NotAllowedError') return `The browser does not let this page use the ${device}.`;
  if (name === 'NotFoundError') return `No ${device} was found.`;
  if (name === 'NotReadableError') return `The ${device} is used by another program.`;
  if (name === 'SecurityError') return `The ${device} can be used over https or on localhost only.`;
  return `The ${device} could not be started.`;
}
