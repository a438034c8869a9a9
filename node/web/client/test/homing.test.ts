import { afterEach, describe, expect, it, vi } from 'vitest';
import { destination, explain, settle, takeMark } from '../src/homing/arrival';
import { measure } from '../src/homing/measure';
import { choose, limit, readNearest, told, type Nearest } from '../src/homing/nearest';

const answer = {
  node: 'a',
  region: 'eu',
  draining: false,
  candidates: [
    { node: 'b', region: 'us', url: 'https://b.example.org:8443' },
    { node: 'a', region: 'eu', url: 'https://a.example.org' },
    { node: 'c', region: '', url: 'http://c.example.org' },
  ],
};
const nearest: Nearest = readNearest(answer)!;
const trips = (a?: number, b?: number, c?: number) =>
  new Map(Object.entries({ a, b, c }).filter((entry): entry is [string, number] => entry[1] !== undefined));

describe('what the node says', () => {
  it('is read, without the node itself', () => {
    expect(nearest).toEqual({
      node: 'a',
      label: 'eu',
      draining: false,
      candidates: [
        { node: 'b', label: 'us', url: 'https://b.example.org:8443' },
        { node: 'c', label: 'c', url: 'http://c.example.org' },
      ],
    });
  });
  it('is nothing when there is no choice, or no sense', () => {
    for (const value of [
      undefined,
      null,
      'x',
      {},
      { node: 'a', candidates: [] },
      { node: 'a', candidates: [answer.candidates[1]] },
      { node: 'a', candidates: [{ node: 'b', url: '' }, null, { node: 'b', url: 'javascript:alert(1)' }, { url: 'https://b.example.org' }] },
    ]) {
      expect(readNearest(value)).toBeNull();
    }
  });
  it('is at most three candidates', () => {
    const many = { ...answer, candidates: [...'bcdef'].map((node) => ({ node, url: `https://${node}.example.org` })) };
    expect(readNearest(many)!.candidates).toHaveLength(3);
  });
});

describe('the choice', () => {
  it('goes where it is clearly nearer', () => {
    expect(choose(nearest, trips(220, 80, 2))?.node).toBe('c');
    expect(choose(nearest, trips(220, 80))?.node).toBe('b');
    expect(choose(nearest, trips(25, 14.9))?.node).toBe('b');
  });
  it('stays for less than 10 ms, and for less than a fifth', () => {
    expect(choose(nearest, trips(12, 2.1, 3))).toBeNull();
    expect(choose(nearest, trips(200, 161))).toBeNull();
    expect(choose(nearest, trips(2, 80, 220))).toBeNull();
    expect(choose(nearest, trips(200))).toBeNull();
  });
  it('stays where nothing was measured', () => {
    expect(choose(nearest, trips(undefined, 1, 1))).toBeNull();
    expect(choose(nearest, trips())).toBeNull();
  });
  it('leaves a node that drains for the nearest that answers', () => {
    const draining = { ...nearest, draining: true };
    expect(choose(draining, trips(1, 80, 220))?.node).toBe('b');
    expect(choose(draining, trips())).toBeNull();
  });
  it('never goes back where it came from by the same figures', () => {
    for (let own = 1; own < 300; own += 7) {
      for (let other = 1; other < 300; other += 7) {
        if (choose(nearest, trips(own, other)) !== null) expect(other).toBeLessThan(limit(nearest, own));
        if (choose(nearest, trips(own, other)) !== null) expect(choose(nearest, trips(other, own))).toBeNull();
      }
    }
  });
  it('is told in words', () => {
    expect(told(nearest, trips(2.04, 80.4))).toBe('Nodes near you: eu (yours) 2.0 ms, us 80 ms.');
    expect(told(nearest, trips())).toBe('');
  });
});

describe('measuring', () => {
  afterEach(() => vi.useRealTimers());

  /** Pings that take as long as the map says, four round trips for the first; Infinity never answers, NaN refuses. */
  const network = (trips: Record<string, number>) => {
    const opened = new Set<string>();
    const asked = new Map<string, number>();
    const ping = (url: string, signal: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        const trip = trips[url]!;
        asked.set(url, (asked.get(url) ?? 0) + 1);
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        if (Number.isNaN(trip)) reject(new Error('refused'));
        else if (trip < Infinity) setTimeout(resolve, opened.has(url) ? trip : 4 * trip);
        opened.add(url);
      });
    return { ping, asked };
  };
  const run = async (trips: Record<string, number>, from = nearest) => {
    vi.useFakeTimers();
    const { ping, asked } = network(trips);
    const start = performance.now();
    let took = -1;
    const done = measure(from, 'own', ping).then((measured) => {
      took = performance.now() - start;
      return measured;
    });
    await vi.runAllTimersAsync();
    return { measured: await done, took, asked };
  };
  const b = 'https://b.example.org:8443';
  const c = 'http://c.example.org';

  it('takes the median of three, after one that opens the connection', async () => {
    const { measured, asked } = await run({ own: 100, [b]: 60, [c]: 20 });
    expect(Object.fromEntries(measured)).toEqual({ a: 100, b: 60, c: 20 });
    expect([...asked.values()]).toEqual([4, 4, 4]);
  });
  it('does not wait where the own node is near', async () => {
    const { measured, took } = await run({ own: 8, [b]: 60, [c]: Infinity });
    expect(took).toBeLessThanOrEqual(7 * 8);
    expect(measured.get('a')).toBe(8);
  });
  it('does not wait for who can no more be nearer', async () => {
    const { took } = await run({ own: 30, [b]: 90, [c]: Infinity });
    expect(took).toBeLessThanOrEqual(7 * 30 + 50 + 6 * 20);
  });
  it('waits a second at most, with what there is by then', async () => {
    const { measured, took } = await run({ own: 220, [b]: 150, [c]: Infinity });
    expect(took).toBe(1000);
    expect(measured.get('b')).toBe(150);
    expect(measured.has('c')).toBe(false);
  });
  it('does without who refuses', async () => {
    const { measured } = await run({ own: 100, [b]: NaN, [c]: 20 });
    expect(Object.fromEntries(measured)).toEqual({ a: 100, c: 20 });
  });
  it('waits for others where the own node drains', async () => {
    const { measured } = await run({ own: 1, [b]: 50, [c]: 20 }, { ...nearest, draining: true });
    expect(choose({ ...nearest, draining: true }, measured)?.node).toBe('c');
  });
});

describe('the way to another node', () => {
  const at = new URL('https://meet.example.org/My%20Room?x=1#userInfo.displayName="Ann"&config.subject="a%26b"');
  const to = nearest.candidates[0]!;

  it('keeps room, query and hash, and says where it comes from', () => {
    const there = new URL(destination(to, nearest, trips(220.123, 80), at, 'Ann'));
    expect(there.origin + there.pathname + there.search).toBe('https://b.example.org:8443/My%20Room?x=1');
    const { hash, arrival } = takeMark(there.hash);
    expect(hash).toBe(at.hash);
    expect(arrival).toEqual({ from: 'eu', was: 220.1, is: 80, name: 'Ann' });
  });
  it('leaves nothing in a hash that was empty', () => {
    const there = new URL(destination(to, nearest, trips(), new URL('https://meet.example.org/room'), ''));
    expect(takeMark(there.hash)).toEqual({ hash: '', arrival: { from: 'eu', was: 0, is: 0, name: '' } });
  });
  it('has no mark when nobody was sent', () => {
    expect(takeMark('#a=1&b=2')).toEqual({ hash: '#a=1&b=2', arrival: null });
    expect(takeMark('')).toEqual({ hash: '', arrival: null });
  });
  it('takes nonsense for somebody who was sent', () => {
    for (const mark of ['', '%', '[]', '"x"', '{"from":1,"was":"x","is":-1}', encodeURIComponent('{"was":1e9}')]) {
      expect(takeMark(`#atoll.arrival=${mark}&a=1`)).toEqual({ hash: '#a=1', arrival: { from: '', was: 0, is: 0, name: '' } });
    }
  });
  it('is told', () => {
    expect(explain({ from: 'ap', was: 220.4, is: 2.1, name: '' }, 'eu')).toBe('You were brought to eu, 2.1 ms away; ap is 220 ms away.');
    expect(explain({ from: 'ap', was: 0, is: 0, name: '' }, 'eu')).toBe('You were brought to eu, nearer; you came from ap.');
    expect(explain({ from: '', was: 0, is: 3, name: '' }, 'eu')).toBe('You were brought to eu, 3.0 ms away.');
  });
});

describe('who was sent', () => {
  const stored = new Map<string, string>();
  vi.stubGlobal('sessionStorage', { getItem: (key: string) => stored.get(key) ?? null, setItem: (key: string, value: string) => stored.set(key, value) });
  const arrival = { from: 'ap', was: 220, is: 2, name: '' };

  it('is not sent on, also after a reload, for an hour', () => {
    stored.clear();
    expect(settle(null, 1000)).toBeNull();
    expect(settle(arrival, 1000)).toEqual(arrival);
    expect(settle(null, 2000)).toEqual(arrival);
    expect(settle(null, 1000 + 3_600_000)).toBeNull();
  });
  it('is known without storage, until the page is loaded anew', () => {
    vi.stubGlobal('sessionStorage', undefined);
    expect(settle(arrival, 1000)).toEqual(arrival);
    expect(settle(null, 1000)).toBeNull();
  });
  it('does not trip over what others stored', () => {
    for (const text of ['x', '1', 'null', '{}']) {
      vi.stubGlobal('sessionStorage', { getItem: () => text, setItem: () => undefined });
      expect(settle(null, 1000)).toBeNull();
    }
  });
});
