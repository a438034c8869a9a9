/** What the page tells of the nodes behind a meeting, in words. */
import type { Link, Topology } from '../bridge/topology';
import { milliseconds } from '../homing/nearest';

export interface NodeLine {
  readonly name: string;
  readonly label: string;
  readonly own: boolean;
  readonly alive: boolean;
  /** how many of the meeting are there */
  readonly people: number;
}

export interface LinkLine {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  /** '' while it is down */
  readonly roundTrip: string;
  readonly loss: string;
}

export interface PersonLine {
  readonly endpoint: string;
  /** label of their node */
  readonly node: string;
  /** which way their picture comes */
  readonly picture: string;
  /** the same of their screen, '' when they share none */
  readonly screen: string;
}

export interface Overview {
  readonly nodes: readonly NodeLine[];
  readonly links: readonly LinkLine[];
  readonly people: readonly PersonLine[];
}

/** @param people endpoint ids in the order in which they are shown; the first is our own */
export function overview(topology: Topology, people: readonly string[]): Overview {
  const label = labels(topology);
  const own = people[0];
  return {
    nodes: topology.nodes.map(({ name, alive }) => ({
      name,
      label: label(name),
      own: name === topology.self,
      alive,
      people: people.filter((endpoint) => topology.homes.get(endpoint) === name).length,
    })),
    links: pairs(topology).map(({ from, to, up, roundTrip, loss }) => ({
      key: `${from} ${to}`,
      from: label(from),
      to: label(to),
      roundTrip: up ? milliseconds(roundTrip) : '',
      loss: up ? `${(100 * loss).toFixed(1)} %` : '',
    })),
    people: people.map((endpoint) => {
      const node = topology.homes.get(endpoint) ?? '';
      const way = (source: string): string => (endpoint === own ? 'from you' : wayOf(topology.paths.get(source) ?? [], label));
      return {
        endpoint,
        node: node === '' ? '' : label(node),
        picture: way(`${endpoint}-v0`),
        screen: topology.paths.has(`${endpoint}-v1`) ? way(`${endpoint}-v1`) : '',
      };
    }),
  };
}

function wayOf(path: readonly string[], label: (node: string) => string): string {
  if (path.length === 0) return 'not asked for';
  if (path.length === 1) return 'your node';
  return path.map(label).join(' → ');
}

/** Nodes are called by their regions; where two share one, by their names too. */
function labels({ nodes }: Topology): (node: string) => string {
  return (name) => {
    const region = nodes.find((node) => node.name === name)?.region ?? '';
    if (region === '') return name;
    return nodes.some((node) => node.name !== name && node.region === region) ? `${region} (${name})` : region;
  };
}

/** Both ends tell of a link. Ours are told as our node sees them, the others by whoever comes first. */
function pairs({ self, links }: Topology): Link[] {
  const found = new Map<string, Link>();
  for (const link of links) {
    const key = [link.from, link.to].sort().join(' ');
    if (!found.has(key) || link.from === self) found.set(key, link);
  }
  return [...found.values()].sort((a, b) => Number(b.from === self) - Number(a.from === self));
}
