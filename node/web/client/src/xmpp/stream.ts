/**
 * The XMPP stream of the page: WebSocket (RFC 7395), ANONYMOUS, bind, stream management (XEP-0198).
 *
 * Strophe speaks the protocol and counts stanzas; this class owns when to connect. A lost socket is resumed for as
 * long as the server keeps the session (`?previd=` in the URL names it, so that a server can find who holds it);
 * what is sent meanwhile waits. When the session is gone the stream is over: `lost` is called once, and whoever wants
 * to go on makes a new Stream.
 */
import { Strophe } from 'strophe.js';
import type { SMState, SMStorageBackend } from 'strophe.js';
import { NS } from './names';
import { attribute, errorCondition, x } from './xml';

export interface StreamEvents {
  /** Bound: the JID is final. */
  online(jid: string): void;
  /** The socket is gone, resumption is being tried. */
  offline(): void;
  /** The same session on a new socket. */
  resumed(): void;
  /** Over. @param reason an XMPP condition or a word of ours */
  lost(reason: string): void;
  /** Every iq, presence and message but the answers to our requests. */
  stanza(stanza: Element): void;
}

export interface StreamConfig {
  url: string;
  domain: string;
  room: string;
}

/** An IQ that was answered with an error, or not at all (`timeout`, `closed`). */
export class RequestError extends Error {
  constructor(
    readonly condition: string,
    readonly stanza?: Element,
  ) {
    super(condition);
  }
}

interface Request {
  to: string;
  resolve(result: Element): void;
  reject(error: RequestError): void;
  timer: ReturnType<typeof setTimeout>;
}

const REQUEST_TIMEOUT = 10_000;
const ATTEMPT_TIMEOUT = 10_000;
const RESUME_FOR = 60_000;
const RESUME_DELAYS = [100, 500, 1000, 2000, 4000];
const PING_IDLE = 10_000;
const PING_TIMEOUT = 5_000;
const PINGS_LOST = 2;
const WAITING_MAX = 200;

Strophe.setLogLevel(Strophe.LogLevel.WARN);

type Phase = 'new' | 'connecting' | 'online' | 'offline' | 'over';

export class Stream {
  #phase: Phase = 'new';
  readonly #connection: InstanceType<typeof Strophe.Connection>;
  readonly #memory = new Memory();
  readonly #requests = new Map<string, Request>();
  #waiting: Element[] = [];
  #attempts = 0;
  #offlineSince = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #attempt: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setTimeout> | undefined;
  #pingsLost = 0;
  #lastId = 0;

  constructor(
    private readonly config: StreamConfig,
    private readonly events: StreamEvents,
  ) {
    this.#connection = new Strophe.Connection(this.#url(), {
      mechanisms: [Strophe.SASLAnonymous],
      enableStreamManagement: true,
      explicitResourceBinding: true,
      streamManagement: { storage: this.#memory },
    });
    this.#connection.rawInput = () => this.#heard();
  }

  get jid(): string {
    return this.#connection.jid;
  }

  connect(): void {
    if (this.#phase !== 'new') return;
    this.#phase = 'connecting';
    this.#dial();
  }

  /** Sends now, or as soon as the session is resumed. */
  send(stanza: Element): void {
    if (this.#phase === 'online') this.#connection.send(stanza);
    else if (this.#phase === 'offline' && this.#waiting.length < WAITING_MAX) this.#waiting.push(stanza);
  }

  /** Sends an IQ (its id is set here) and gives its result; rejects with RequestError. */
  request(iq: Element, timeout = REQUEST_TIMEOUT): Promise<Element> {
    const id = `p${++this.#lastId}`;
    iq.setAttribute('id', id);
    return new Promise((resolve, reject) => {
      if (this.#phase === 'over') {
        reject(new RequestError('closed'));
        return;
      }
      const timer = setTimeout(() => {
        this.#requests.delete(id);
        reject(new RequestError('timeout'));
      }, timeout);
      this.#requests.set(id, { to: attribute(iq, 'to'), resolve, reject, timer });
      this.send(iq);
    });
  }

  /** Tries at once to resume, e.g. because the network came back. */
  hurry(): void {
    if (this.#phase === 'offline' && this.#retry !== undefined) this.#redial(0);
  }

  /** Closes for good; `lost` is not called. */
  close(): void {
    const connected = this.#phase === 'online';
    this.#end();
    if (connected) this.#connection.disconnect();
    else this.#connection._doDisconnect();
  }

  #url(): string {
    const url = new URL(this.config.url);
    url.searchParams.set('room', this.config.room);
    const token = this.#memory.token;
    if (token !== '') url.searchParams.set('previd', token);
    return url.href;
  }

  #dial(): void {
    this.#connection.service = this.#url();
    clearTimeout(this.#attempt);
    this.#attempt = setTimeout(() => this.#connection._doDisconnect('timeout'), ATTEMPT_TIMEOUT);
    this.#connection.connect(this.config.domain, '', (status, condition) => this.#status(status, condition ?? ''));
  }

  #status(status: number, condition: string): void {
    if (this.#phase === 'over') return;
    switch (status) {
      case Strophe.Status.BINDREQUIRED:
        // After a refused resume the same stream could bind anew, but everything of the old session is gone with it.
        if (this.#phase === 'offline') this.#lose('session-expired');
        else this.#connection.bind();
        return;
      case Strophe.Status.CONNECTED:
        this.#online();
        return;
      case Strophe.Status.AUTHFAIL:
        this.#lose(condition || 'not-authorized');
        return;
      case Strophe.Status.ERROR:
        if (condition === 'conflict') this.#lose(condition);
        return;
      case Strophe.Status.DISCONNECTED:
        this.#disconnected();
        return;
    }
  }

  #online(): void {
    clearTimeout(this.#attempt);
    const resumed = this.#phase === 'offline';
    this.#phase = 'online';
    this.#attempts = 0;
    this.#pingsLost = 0;
    this.#connection.addHandler((stanza) => this.#stanza(stanza), null, 'iq', null);
    this.#connection.addHandler((stanza) => this.#stanza(stanza), null, 'presence', null);
    this.#connection.addHandler((stanza) => this.#stanza(stanza), null, 'message', null);
    this.#heard();
    if (!resumed) {
      this.events.online(this.#connection.jid);
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const stanza of waiting) this.#connection.send(stanza);
    this.events.resumed();
  }

  #disconnected(): void {
    clearTimeout(this.#attempt);
    clearTimeout(this.#ping);
    if (this.#phase === 'connecting' || this.#memory.token === '') {
      this.#lose('connection-lost');
      return;
    }
    if (this.#phase === 'online') {
      this.#phase = 'offline';
      this.#offlineSince = Date.now();
      this.events.offline();
    } else if (Date.now() - this.#offlineSince > RESUME_FOR) {
      this.#lose('connection-lost');
      return;
    }
    this.#redial(RESUME_DELAYS[Math.min(this.#attempts++, RESUME_DELAYS.length - 1)]!);
  }

  #redial(delay: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#phase === 'offline') this.#dial();
    }, delay);
  }

  #lose(reason: string): void {
    if (this.#phase === 'over') return;
    this.#end();
    // Not from within Strophe's own handlers, which still work on the connection.
    setTimeout(() => this.#connection._doDisconnect(), 0);
    this.events.lost(reason);
  }

  #end(): void {
    this.#phase = 'over';
    clearTimeout(this.#retry);
    clearTimeout(this.#attempt);
    clearTimeout(this.#ping);
    this.#waiting = [];
    for (const request of this.#requests.values()) {
      clearTimeout(request.timer);
      request.reject(new RequestError('closed'));
    }
    this.#requests.clear();
  }

  /** Strophe removes a handler that throws, so nothing may get out of here. */
  #stanza(stanza: Element): boolean {
    try {
      if (!this.#answered(stanza)) this.events.stanza(stanza);
    } catch (error) {
      console.error('stanza not handled', error);
    }
    return true;
  }

  #answered(stanza: Element): boolean {
    const type = attribute(stanza, 'type');
    if (stanza.nodeName !== 'iq' || (type !== 'result' && type !== 'error')) return false;
    const id = attribute(stanza, 'id');
    const request = this.#requests.get(id);
    const from = attribute(stanza, 'from');
    const trusted = request && (from === request.to || (from === '' && [this.config.domain, ''].includes(request.to)));
    if (!request || !trusted) return true;
    this.#requests.delete(id);
    clearTimeout(request.timer);
    if (type === 'result') request.resolve(stanza);
    else request.reject(new RequestError(errorCondition(stanza) || 'undefined-condition', stanza));
    return true;
  }

  /** Something came in: the next ping waits. */
  #heard(): void {
    this.#pingsLost = 0;
    clearTimeout(this.#ping);
    if (this.#phase === 'online') this.#ping = setTimeout(() => void this.#pingNow(), PING_IDLE);
  }

  async #pingNow(): Promise<void> {
    const ping = x('iq', { xmlns: 'jabber:client', to: this.config.domain, type: 'get' }, x('ping', { xmlns: NS.ping }));
    try {
      await this.request(ping, PING_TIMEOUT);
    } catch (error) {
      if (this.#phase !== 'online' || (error as RequestError).condition !== 'timeout') return;
      if (++this.#pingsLost >= PINGS_LOST) this.#connection._doDisconnect('ping');
      else this.#ping = setTimeout(() => void this.#pingNow(), 0);
    }
  }
}

/**
 * The resumable state of one Stream. Strophe's own default keeps it in the tab's session storage, where a reloaded
 * page would take over the session of the page before it.
 */
class Memory implements SMStorageBackend {
  #state: SMState | null = null;

  /** What names the session when resuming it; '' when it cannot be resumed. */
  get token(): string {
    return (this.#state?.resumeSupported && this.#state.id) || '';
  }

  load(): SMState | null {
    return this.#state;
  }

  save(_key: string, state: SMState): void {
    this.#state = state;
  }

  clear(): void {
    this.#state = null;
  }
}

/** An IQ result, or an error with its condition, for a request that came in. */
export function answer(iq: Element, payload?: Element): Element {
  return x(
    'iq',
    { xmlns: 'jabber:client', to: attribute(iq, 'from') || undefined, id: attribute(iq, 'id'), type: 'result' },
    payload,
  );
}

export function refuse(iq: Element, type: 'cancel' | 'modify' | 'wait', condition: string, extra?: Element): Element {
  return x(
    'iq',
    { xmlns: 'jabber:client', to: attribute(iq, 'from') || undefined, id: attribute(iq, 'id'), type: 'error' },
    x('error', { type }, x(condition, { xmlns: NS.stanzas }), extra),
  );
}
