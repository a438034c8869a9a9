/**
 * Where the room's people are and which way their media takes, as the node tells who asked for it:
 *
 *     ask      {"colibriClass":"AtollTopologyRequest"}, and with "active":false no longer
 *     answer   {"colibriClass":"AtollTopology", "self": node,
 *               "nodes":        [{"name", "region", "state"}],
 *               "links":        [{"from", "to", "up", "rtt_ms", "loss"}],
 *               "participants": [{"endpoint", "node"}],
 *               "sources":      [{"name", "path": [nodes]}]}
 *
 * at once and every two seconds, until the channel closes. A path begins with the node that serves the source's owner and
 * ends with our own; it is empty while our node does not pull the source. Nodes are the room's own, `rtt_ms` is a round
 * trip, `loss` a share of 1. Stock clients never ask, so they never see it.
 */

export interface Node {
  readonly name: string;
  readonly region: string;
  readonly alive: boolean;
}

export interface Link {
  readonly from: string;
  readonly to: string;
  readonly up: boolean;
  /** ms */
  readonly roundTrip: number;
  /** 0 to 1 */
  readonly loss: number;
}

export interface Topology {
  /** the node that we are at */
  readonly self: string;
  readonly nodes: readonly Node[];
  readonly links: readonly Link[];
  /** endpoint id to node */
  readonly homes: ReadonlyMap<string, string>;
  /** source name to nodes */
  readonly paths: ReadonlyMap<string, readonly string[]>;
}

/** More is not shown. */
const MOST = 1000;

export function topologyRequest(active: boolean): object {
  return active ? { colibriClass: 'AtollTopologyRequest' } : { colibriClass: 'AtollTopologyRequest', active };
}

/** Reads an answer; what is malformed in it is left out. */
export function readTopology(message: Record<string, unknown>): Topology | undefined {
  const self = name(message['self']);
  if (self === '') return undefined;
  return {
    self,
    nodes: records(message['nodes'])
      .map((of) => ({ name: name(of['name']), region: name(of['region']), alive: of['state'] === 'alive' }))
      .filter((node) => node.name !== ''),
    links: records(message['links'])
      .map((of) => ({
        from: name(of['from']),
        to: name(of['to']),
        up: of['up'] === true,
        roundTrip: amount(of['rtt_ms']),
        loss: Math.min(amount(of['loss']), 1),
      }))
      .filter(({ from, to }) => from !== '' && to !== ''),
    homes: new Map(
      records(message['participants'])
        .map((of) => [name(of['endpoint']), name(of['node'])] as const)
        .filter(([endpoint, node]) => endpoint !== '' && node !== ''),
    ),
    paths: new Map(
      records(message['sources'])
        .map((of) => [name(of['name']), list(of['path']).map(name)] as const)
        .filter(([source, path]) => source !== '' && !path.includes('')),
    ),
  };
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, MOST) : [];
}

function records(value: unknown): Record<string, unknown>[] {
  return list(value).filter((of): of is Record<string, unknown> => typeof of === 'object' && of !== null);
}

function name(value: unknown): string {
  return typeof value === 'string' && value.length <= 64 ? value : '';
}

function amount(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;
}
