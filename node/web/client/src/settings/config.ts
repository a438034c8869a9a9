/**
 * What the node's /config.js says (window.config), with the part of it that a link may override in its hash.
 * Links never override where the page connects to.
 */
import { readNearest } from '../homing/nearest';

export interface Config {
  hosts: { domain: string; muc: string; focus: string };
  /** XMPP over WebSocket (RFC 7395), without a query. */
  websocket: string;
  /** The same at other nodes. */
  elsewhere: readonly string[];
  /** video codecs, the preferred first */
  codecs: readonly string[];
  prejoin: boolean;
  startWithAudioMuted: boolean;
  startWithVideoMuted: boolean;
  /** Height of the captured picture in pixels. */
  resolution: number;
  subject: string;
}

type Json = Record<string, unknown>;

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function string(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback;
}

function boolean(value: unknown, fallback: boolean): boolean {
  return typeof value === 'boolean' ? value : fallback;
}

function number(value: unknown, fallback: number, min: number, max: number): number {
  return typeof value === 'number' && value >= min && value <= max ? value : fallback;
}

const CODECS: readonly string[] = ['VP8', 'VP9', 'H264', 'AV1'];

/** What is named and known first, then the rest. */
function codecs(order: unknown): readonly string[] {
  const named = Array.isArray(order) ? order.map((name) => String(name).toUpperCase()) : [];
  return [...new Set([...named.filter((name) => CODECS.includes(name)), ...CODECS])];
}

function absolute(url: string, location: Location | URL): string {
  const made = new URL(url, location.href);
  if (made.protocol === 'http:') made.protocol = 'ws:';
  if (made.protocol === 'https:') made.protocol = 'wss:';
  return made.href;
}

/** The sockets of the cluster's name, when the page came by a node's, and of the nodes that config.js names. */
function elsewhere(websocket: string, domain: string, location: Location | URL, nearest: unknown): readonly string[] {
  const { pathname } = new URL(websocket);
  const origins = readNearest(nearest)?.candidates.map(({ url }) => url) ?? [];
  if (location.hostname.endsWith(`.${domain}`)) origins.unshift(`${location.protocol}//${domain}${location.port === '' ? '' : `:${location.port}`}`);
  return origins.map((origin) => absolute(`${origin}${pathname}`, location));
}

/**
 * @param base window.config, whatever it is
 * @param hash the values of the link's hash, by their dotted name (see hashParameters)
 * @param location where the page was loaded from; gives the defaults
 */
export function readConfig(base: unknown, hash: ReadonlyMap<string, unknown>, location: Location | URL): Config {
  const config = object(base);
  const hosts = object(config['hosts']);
  const domain = string(hosts['domain'], location.hostname);
  const override = (name: string): unknown => hash.get(`config.${name}`) ?? config[name];
  const websocket = absolute(string(config['websocket'], '/xmpp-websocket'), location);
  const prejoin = object(config['prejoinConfig'])['enabled'] ?? config['prejoinPageEnabled'];
  return {
    hosts: {
      domain,
      muc: string(hosts['muc'], `conference.${domain}`),
      focus: string(hosts['focus'], `focus.${domain}`),
    },
    websocket,
    elsewhere: elsewhere(websocket, domain, location, config['nearest']),
    codecs: codecs(
      hash.get('config.videoQuality.codecPreferenceOrder') ?? object(config['videoQuality'])['codecPreferenceOrder'],
    ),
    prejoin: boolean(hash.get('config.prejoinConfig.enabled') ?? hash.get('config.prejoinPageEnabled') ?? prejoin, true),
    startWithAudioMuted: boolean(override('startWithAudioMuted'), false),
    startWithVideoMuted: boolean(override('startWithVideoMuted'), false),
    resolution: number(override('resolution'), 720, 90, 2160),
    subject: string(override('subject'), ''),
  };
}
