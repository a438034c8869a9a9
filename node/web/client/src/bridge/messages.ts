/** Messages of the bridge channel: JSON objects whose `colibriClass` says what they are. */
import { readMappings, type Kind, type Mapping } from './slots';
import { readTopology, type Topology } from './topology';

export type BridgeMessage =
  | { class: 'hello' }
  | { class: 'map'; kind: Kind; mappings: Mapping[] }
  | { class: 'forwarded'; sources: string[] }
  | { class: 'dominant'; endpoint: string; silence: boolean }
  | { class: 'constraints'; source: string; maxHeight: number }
  | { class: 'topology'; topology: Topology };

/** Reads a message; undefined for classes that we do not know and for what is malformed. */
export function readMessage(data: unknown): BridgeMessage | undefined {
  if (typeof data !== 'string') return undefined;
  let message: Record<string, unknown>;
  try {
    message = JSON.parse(data) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null) return undefined;
  switch (message['colibriClass']) {
    case 'ServerHello':
      return { class: 'hello' };
    case 'VideoSourcesMap':
      return { class: 'map', kind: 'video', mappings: readMappings(message['mappedSources']) };
    case 'AudioSourcesMap':
      return { class: 'map', kind: 'audio', mappings: readMappings(message['mappedSources']) };
    case 'ForwardedSources': {
      const sources = message['forwardedSources'];
      if (!Array.isArray(sources)) return undefined;
      return { class: 'forwarded', sources: sources.filter((source) => typeof source === 'string') };
    }
    case 'DominantSpeakerEndpointChangeEvent': {
      const endpoint = message['dominantSpeakerEndpoint'];
      if (typeof endpoint !== 'string') return undefined;
      return { class: 'dominant', endpoint, silence: message['silence'] === true };
    }
    case 'SenderSourceConstraints': {
      const { sourceName, maxHeight } = message;
      if (typeof sourceName !== 'string' || typeof maxHeight !== 'number') return undefined;
      return { class: 'constraints', source: sourceName, maxHeight };
    }
    case 'AtollTopology': {
      const topology = readTopology(message);
      return topology && { class: 'topology', topology };
    }
    default:
      return undefined;
  }
}

export interface ReceiverConstraints {
  /** of every source that is not named below */
  maxHeight: number;
  /** source name to height */
  heights: Readonly<Record<string, number>>;
}

export function receiverVideoConstraints(constraints: ReceiverConstraints): object {
  const named = Object.entries(constraints.heights).map(([source, maxHeight]) => [source, { maxHeight }]);
  return {
    colibriClass: 'ReceiverVideoConstraints',
    lastN: -1,
    defaultConstraints: { maxHeight: constraints.maxHeight },
    constraints: Object.fromEntries(named) as Record<string, { maxHeight: number }>,
  };
}

export function sourceVideoType(sourceName: string, videoType: 'camera' | 'desktop' | 'none'): object {
  return { colibriClass: 'SourceVideoTypeMessage', sourceName, videoType };
}

/**
 * The height to ask for, for a tile of so many device pixels: one of the three sizes that senders make.
 * @param pixels 0 when nobody sees the tile
 */
export function wantedHeight(pixels: number): number {
  if (pixels <= 0) return 0;
  if (pixels <= 200) return 180;
  if (pixels <= 400) return 360;
  return 720;
}
