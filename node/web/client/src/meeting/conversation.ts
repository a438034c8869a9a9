/** What is said in the room: chat, private messages, the subject. */
import { randomHex } from '../settings/random';
import { chatMessage, privateMessage, readMessage, subjectMessage } from '../xmpp/muc';
import type { State } from './state';

export class Conversation {
  /** @param subject of rooms that have none */
  constructor(
    private readonly state: State,
    private readonly room: string,
    private readonly subject: string,
    private readonly send: (stanza: Element) => void,
  ) {
    state.subject.value = subject;
  }

  /** @param to endpoint id of the only one who shall read it, '' for all */
  say(body: string, to: string): void {
    if (body.trim() === '') return;
    if (to === '') {
      this.send(chatMessage(this.room, randomHex(8), body));
      return;
    }
    this.send(privateMessage(this.room, to, randomHex(8), body));
    // The room sends it to nobody else, so not to us.
    this.#add(this.state.endpoint.value, body, new Date(), to);
  }

  /** Takes a message of the room. */
  take(stanza: Element): void {
    const message = readMessage(stanza);
    if (!message) return;
    if (message.kind === 'subject') {
      this.#setSubject(message.body.slice(0, 200));
      return;
    }
    const time = message.sent ? new Date(message.sent) : new Date();
    this.#add(message.nick, message.body, time, message.kind === 'private' ? this.state.endpoint.value : '');
  }

  /** @param to endpoint id of a private message's reader, '' for all */
  #add(from: string, body: string, time: Date, to: string): void {
    const { state } = this;
    const own = from === state.endpoint.value;
    state.addChat({ from, name: state.name(from), own, private: to !== '', to: own ? to : '', body, time });
  }

  /** A room without a subject takes the one that the link or the node's configuration gives, if we may set it. */
  #setSubject(subject: string): void {
    this.state.subject.value = subject || this.subject;
    if (subject === '' && this.subject !== '' && this.state.moderator.value) {
      this.send(subjectMessage(this.room, this.subject));
    }
  }
}
