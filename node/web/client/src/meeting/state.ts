/** All that the page shows of a meeting, as signals. Only the meeting writes them. */
import { computed, signal } from '@preact/signals';
import type { Kind, Slot } from '../bridge/slots';
import type { Topology } from '../bridge/topology';

export type Phase =
  /** before the person joins */
  | 'ready'
  | 'joining'
  /** the room wants a password, or another one */
  | 'password'
  | 'joined'
  /** left on purpose */
  | 'left'
  /** over for another reason, see `ending` */
  | 'ended';

export interface Participant {
  /** endpoint id */
  readonly id: string;
  readonly name: string;
  readonly moderator: boolean;
  /** real JID, '' when unknown */
  readonly jid: string;
  readonly audioMuted: boolean;
  readonly videoMuted: boolean;
  /** whether they share their screen */
  readonly sharing: boolean;
}

export interface ChatLine {
  readonly key: number;
  /** endpoint id of the sender, '' for the room itself */
  readonly from: string;
  readonly name: string;
  readonly own: boolean;
  readonly private: boolean;
  /** whom an own private message went to; '' else */
  readonly to: string;
  readonly body: string;
  readonly time: Date;
}

const CHAT_LINES = 500;

export class State {
  readonly phase = signal<Phase>('ready');
  /** why the meeting ended, or why joining goes on failing */
  readonly ending = signal('');
  /** signalling is away and being brought back */
  readonly reconnecting = signal(false);
  /** media that was there is away */
  readonly mediaLost = signal(false);
  /** why no media came through at all; '' once some did */
  readonly unreachable = signal('');
  readonly subject = signal('');
  /** own endpoint id */
  readonly endpoint = signal('');
  readonly displayName = signal('');
  /** own role */
  readonly moderator = signal(false);
  /** the others, in the order in which they came */
  readonly participants = signal<readonly Participant[]>([]);
  readonly dominant = signal('');
  readonly slots = signal<readonly Slot[]>([]);
  /** index of a slot to its track */
  readonly tracks = signal<ReadonlyMap<number, MediaStreamTrack>>(new Map());
  readonly chat = signal<readonly ChatLine[]>([]);
  readonly notice = signal('');
  /** the nodes behind the meeting, while somebody looks at them; null until the node has told */
  readonly topology = signal<Topology | null>(null);

  /** source name to where it can be seen or heard */
  readonly media = computed(() => {
    const found = new Map<string, { slot: Slot; track: MediaStreamTrack }>();
    this.slots.value.forEach((slot, index) => {
      const track = this.tracks.value.get(index);
      if (track && slot.source !== '') found.set(slot.source, { slot, track });
    });
    return found;
  });

  /** The first track of a participant's camera, screen or voice; null when the node sends none. */
  trackOf(owner: string, kind: Kind, screen = false): MediaStreamTrack | null {
    for (const { slot, track } of this.media.value.values()) {
      if (slot.owner === owner && slot.kind === kind && isScreen(slot) === screen) return track;
    }
    return null;
  }

  name(endpoint: string): string {
    if (endpoint === this.endpoint.value) return this.displayName.value;
    return this.participants.value.find(({ id }) => id === endpoint)?.name ?? '';
  }

  setParticipant(participant: Participant): void {
    const before = this.participants.value;
    const at = before.findIndex(({ id }) => id === participant.id);
    this.participants.value = at < 0 ? [...before, participant] : before.with(at, participant);
  }

  removeParticipant(endpoint: string): void {
    this.participants.value = this.participants.value.filter(({ id }) => id !== endpoint);
    if (this.dominant.value === endpoint) this.dominant.value = '';
  }

  addChat(line: Omit<ChatLine, 'key'>): void {
    const before = this.chat.value;
    const key = (before.at(-1)?.key ?? 0) + 1;
    this.chat.value = [...before, { ...line, key }].slice(-CHAT_LINES);
  }
}

function isScreen(slot: Slot): boolean {
  return slot.videoType.startsWith('desktop');
}
