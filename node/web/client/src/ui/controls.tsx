/** The buttons of a meeting. A pressed microphone or camera button means: muted, off. */
import type { Meeting } from '../meeting/meeting';
import { Icon } from './icons';

interface Toggle {
  meeting: Meeting;
  /** only choose, before joining: nothing is started yet */
  choose?: boolean;
}

export function MicrophoneButton({ meeting, choose = false }: Toggle) {
  const on = meeting.devices.microphoneOn;
  const toggle = (): void => {
    if (choose) on.value = !on.value;
    else void meeting.devices.setMicrophone(!on.value);
  };
  return (
    <button
      type="button"
      class="round"
      data-testid="mute"
      aria-label="Mute microphone"
      title={on.value ? 'Mute microphone' : 'Unmute microphone'}
      aria-pressed={!on.value}
      onClick={toggle}
    >
      <Icon name="microphone" off={!on.value} />
    </button>
  );
}

export function CameraButton({ meeting, choose = false }: Toggle) {
  const on = meeting.devices.cameraOn;
  const toggle = (): void => {
    if (choose) on.value = !on.value;
    else void meeting.devices.setCamera(!on.value);
  };
  return (
    <button
      type="button"
      class="round"
      data-testid="camera"
      aria-label="Turn camera off"
      title={on.value ? 'Turn camera off' : 'Turn camera on'}
      aria-pressed={!on.value}
      onClick={toggle}
    >
      <Icon name="camera" off={!on.value} />
    </button>
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
      <button
        type="button"
        class="round"
        data-testid="chat"
        aria-label={unread > 0 ? `Chat, ${unread} unread` : 'Chat'}
        title="Chat"
        aria-expanded={chatOpen}
        onClick={onChat}
      >
        <Icon name="chat" />
        {unread > 0 && <span class="badge">{unread > 99 ? '99+' : unread}</span>}
      </button>
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
