/** The buttons of a meeting. A pressed microphone or camera button means: muted, off. */
import { useRef } from 'preact/hooks';
import { Devices } from '../media/devices';
import type { Meeting } from '../meeting/meeting';
import { Icon } from './icons';
import { Level, Pickers } from './pickers';

export function MicrophoneButton({ meeting: { devices } }: { meeting: Meeting }) {
  const on = devices.microphoneOn.value;
  return (
    <button
      type="button"
      class="round off-when-pressed"
      data-testid="mute"
      aria-label="Mute microphone"
      title={on ? 'Mute microphone' : 'Unmute microphone'}
      aria-pressed={!on}
      onClick={() => void devices.setMicrophone(!devices.microphoneOn.value)}
    >
      <Icon name="microphone" off={!on} />
    </button>
  );
}

export function CameraButton({ meeting: { devices } }: { meeting: Meeting }) {
  const on = devices.cameraOn.value;
  return (
    <button
      type="button"
      class="round off-when-pressed"
      data-testid="camera"
      aria-label="Turn camera off"
      title={on ? 'Turn camera off' : 'Turn camera on'}
      aria-pressed={!on}
      onClick={() => void devices.setCamera(!devices.cameraOn.value)}
    >
      <Icon name="camera" off={!on} />
    </button>
  );
}

function ScreenButton({ meeting: { devices } }: { meeting: Meeting }) {
  const sharing = devices.screen.value !== null;
  return (
    <button
      type="button"
      class="round"
      data-testid="share"
      aria-label="Share screen"
      title={sharing ? 'Stop sharing' : 'Share screen'}
      aria-pressed={sharing}
      onClick={() => (sharing ? devices.stopScreen() : void devices.shareScreen())}
    >
      <Icon name="screen" />
    </button>
  );
}

function DevicesButton({ meeting: { devices } }: { meeting: Meeting }) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button
        type="button"
        class="round"
        data-testid="devices"
        aria-label="Devices"
        title="Devices"
        aria-haspopup="dialog"
        onClick={() => dialog.current?.showModal()}
      >
        <Icon name="devices" />
      </button>
      <dialog ref={dialog} aria-labelledby="devices-title" class="card">
        <h2 id="devices-title">Devices</h2>
        <form method="dialog">
          <Pickers devices={devices} />
          <Level devices={devices} />
          <button type="submit" class="primary" data-testid="devices-done">
            Done
          </button>
        </form>
      </dialog>
    </>
  );
}

interface Controls {
  meeting: Meeting;
  chatOpen: boolean;
  unread: number;
  onChat(): void;
}

export function Controls({ meeting, chatOpen, unread, onChat }: Controls) {
  return (
    <footer class="controls">
      <MicrophoneButton meeting={meeting} />
      <CameraButton meeting={meeting} />
      {Devices.screens && <ScreenButton meeting={meeting} />}
      <button
        id="chat-button"
        type="button"
        class="round"
        data-testid="chat"
        aria-label={unread > 0 ? `Chat, ${unread} unread` : 'Chat'}
        title="Chat"
        aria-expanded={chatOpen}
        onClick={onChat}
      >
        <Icon name="chat" />
        {unread > 0 && (
          <span class="badge" data-testid="unread">
            {unread > 99 ? '99+' : unread}
          </span>
        )}
      </button>
      <DevicesButton meeting={meeting} />
      <button
        type="button"
        class="round danger"
        data-testid="leave"
        aria-label="Leave"
        title="Leave"
        onClick={() => void meeting.leave()}
      >
        <Icon name="leave" />
      </button>
    </footer>
  );
}
