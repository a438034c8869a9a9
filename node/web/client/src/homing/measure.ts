/** Measures how far nodes are, by small requests over connections that stand. */
import { limit, type Nearest } from './nearest';

const SAMPLES = 3;
/** The longest that the person waits for it. */
const PATIENCE = 1_000;
/** A connection needs up to four round trips before the first that counts, and one sample makes a median. */
const TRIPS = 6;
const SLACK = 50;

/** Asks a node for something small; rejects when it does not answer. */
export type Ping = (url: string, signal: AbortSignal) => Promise<void>;

/**
 * @param own where the page is from
 * @returns median round trips in milliseconds, by node, of those that answered in time. When the own node is so near that nobody can be
 * clearly nearer, or when whoever could be would have answered by now, it does not wait for the rest.
 */
export async function measure(nearest: Nearest, own: string, ping: Ping = health): Promise<ReadonlyMap<string, number>> {
  const trips = new Map<string, number>();
  const abort = new AbortController();
  const over = new Promise<void>((resolve) => abort.signal.addEventListener('abort', () => resolve()));
  const timers = [setTimeout(() => abort.abort(), PATIENCE)];
  const follow = async (node: string, url: string): Promise<void> => {
    try {
      await ping(url, abort.signal); // opens the connection
      const samples: number[] = [];
      while (samples.length < SAMPLES) {
        const start = performance.now();
        await ping(url, abort.signal);
        if (abort.signal.aborted) return;
        samples.push(performance.now() - start);
        trips.set(node, median(samples));
      }
    } catch {
      // It does not answer: what was measured counts.
    }
  };
  const all = nearest.candidates.map(({ node, url }) => follow(node, url));
  const first = follow(nearest.node, own).then(() => {
    const most = limit(nearest, trips.get(nearest.node));
    if (!trips.has(nearest.node)) return;
    if (most <= 0) abort.abort();
    else if (most < Infinity) timers.push(setTimeout(() => abort.abort(), SLACK + TRIPS * most));
  });
  await Promise.race([Promise.all([first, ...all]), over]);
  timers.forEach(clearTimeout);
  abort.abort();
  return new Map(trips);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

async function health(url: string, signal: AbortSignal): Promise<void> {
  const answer = await fetch(`${url}/about/health`, { signal, cache: 'no-store', mode: 'cors', credentials: 'same-origin', redirect: 'error' });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  await answer.text();
}

/** Tells the nodes what was measured, so that the next one from here is led better. Whether it arrives is of no account. */
export function report(nearest: Nearest, own: string, trips: ReadonlyMap<string, number>): void {
  if (trips.size === 0) return;
  const body = JSON.stringify({ trips: [...trips].map(([node, trip]) => ({ node, rtt_ms: Math.round(trip * 100) / 100 })) });
  const measured = nearest.candidates.filter(({ node }) => trips.has(node)).map(({ url }) => url);
  for (const url of [own, ...measured]) {
    // As plain text, which needs no question before it.
    fetch(`${url}/api/v1/nearest`, { method: 'POST', body, mode: url === own ? 'same-origin' : 'no-cors', credentials: 'omit', keepalive: true }).catch(
      () => undefined,
    );
  }
}
