/**
 * Which node to use. The node that the browser was led to by DNS is a guess: it names candidates, the page measures them and goes to
 * the one that is clearly nearer. Going costs a page load, so it must be worth it.
 */

export interface Candidate {
  readonly node: string;
  /** its region, or its name when it has none */
  readonly label: string;
  /** origin */
  readonly url: string;
}

/** What the node says in config.js, as "nearest". */
export interface Nearest {
  /** that served the page */
  readonly node: string;
  readonly label: string;
  /** it wants to be left */
  readonly draining: boolean;
  /** others that could be used, the best guess first */
  readonly candidates: readonly Candidate[];
}

/** A candidate is worth going to when it is nearer by this much, and by this share. */
const GAIN_MS = 10;
const GAIN_SHARE = 0.2;

const CANDIDATES = 3;

/** @returns null when there is nothing to choose from */
export function readNearest(value: unknown): Nearest | null {
  const { node, region, draining, candidates } = object(value);
  if (typeof node !== 'string' || !Array.isArray(candidates)) return null;
  const others: Candidate[] = [];
  for (const one of candidates.slice(0, CANDIDATES).map(object)) {
    const url = origin(one['url']);
    if (typeof one['node'] !== 'string' || one['node'] === node || url === '') continue;
    others.push({ node: one['node'], label: label(one['region'], one['node']), url });
  }
  if (others.length === 0) return null;
  return { node, label: label(region, node), draining: draining === true, candidates: others };
}

/**
 * How near a candidate must be to be worth going to, in milliseconds; 0 or less when none can be.
 * @param own round trip to the own node; undefined when it was not measured
 */
export function limit({ draining }: Nearest, own: number | undefined): number {
  if (draining) return Infinity;
  return own === undefined ? 0 : Math.min(own - GAIN_MS, own * (1 - GAIN_SHARE));
}

/** @param trips median round trips by node @returns the candidate to go to, null to stay */
export function choose(nearest: Nearest, trips: ReadonlyMap<string, number>): Candidate | null {
  const most = limit(nearest, trips.get(nearest.node));
  let best: Candidate | null = null;
  for (const candidate of nearest.candidates) {
    const trip = trips.get(candidate.node);
    if (trip === undefined || trip >= most) continue;
    if (best === null || trip < trips.get(best.node)!) best = candidate;
  }
  return best;
}

/** In words, the nearest first. '' when nothing was measured. */
export function told(nearest: Nearest, trips: ReadonlyMap<string, number>): string {
  const labels = new Map([[nearest.node, `${nearest.label} (yours)`], ...nearest.candidates.map(({ node, label }) => [node, label] as const)]);
  const all = [...trips]
    .filter(([node]) => labels.has(node))
    .sort(([, a], [, b]) => a - b)
    .map(([node, trip]) => `${labels.get(node)!} ${milliseconds(trip)}`)
    .join(', ');
  return all === '' ? '' : `Nodes near you: ${all}.`;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function label(region: unknown, node: string): string {
  return typeof region === 'string' && region !== '' ? region.slice(0, 48) : node;
}

/** The origin that a URL is, '' when it is none that a page can be at. */
function origin(url: unknown): string {
  if (typeof url !== 'string') return '';
  try {
    const parsed = new URL(url);
    return (parsed.protocol === 'https:' || parsed.protocol === 'http:') && parsed.username === '' ? parsed.origin : '';
  } catch {
    return '';
  }
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
