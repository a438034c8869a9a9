/**
 * How one node's page sends the person to another's: room, query and hash are kept, and the hash takes along where they come from. The page
 * that they come to takes that out again, tells it, and does not send them on, also when it is loaded anew: whoever measures wrongly
 * goes wrong once.
 */
import { milliseconds, type Candidate, type Nearest } from './nearest';

export interface Arrival {
  /** label of the node that was left, and how far that is; 0 when it was not measured */
  readonly from: string;
  readonly was: number;
  /** how far this one is */
  readonly is: number;
  /** the name that the other page remembered */
  readonly name: string;
}

const PARAMETER = 'atoll.arrival';
const KEY = 'atoll.arrival';
/** Somebody who travels may be sent on after that. */
const SETTLED_FOR = 3_600_000;

/** @param name what this page remembers, and the other cannot know */
export function destination(to: Candidate, nearest: Nearest, trips: ReadonlyMap<string, number>, at: Location | URL, name: string): string {
  const arrival: Arrival = { from: nearest.label, was: round(trips.get(nearest.node)), is: round(trips.get(to.node)), name };
  const hash = at.hash.replace(/^#/, '');
  const mark = `${PARAMETER}=${encodeURIComponent(JSON.stringify(arrival))}`;
  return `${to.url}${at.pathname}${at.search}#${hash === '' ? mark : `${hash}&${mark}`}`;
}

/** @returns the hash without the mark, and the mark; null when there is none */
export function takeMark(hash: string): { hash: string; arrival: Arrival | null } {
  const parts = hash.replace(/^#/, '').split('&');
  const rest = parts.filter((part) => !part.startsWith(`${PARAMETER}=`));
  const mark = parts.find((part) => part.startsWith(`${PARAMETER}=`));
  const kept = rest.join('&');
  return { hash: kept === '' ? '' : `#${kept}`, arrival: mark === undefined ? null : readMark(mark.slice(PARAMETER.length + 1)) };
}

function readMark(text: string): Arrival {
  let value: Partial<Record<keyof Arrival, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(decodeURIComponent(text));
    if (typeof parsed === 'object' && parsed !== null) value = parsed;
  } catch {
    // They came from somewhere all the same.
  }
  const number = (n: unknown): number => (typeof n === 'number' && n > 0 && n < 60_000 ? n : 0);
  const string = (s: unknown, most: number): string => (typeof s === 'string' ? s.slice(0, most) : '');
  return { from: string(value.from, 48), was: number(value.was), is: number(value.is), name: string(value.name, 80) };
}

/** What the page tells of it. */
export function explain({ from, was, is }: Arrival, here: string): string {
  const near = is > 0 ? `${milliseconds(is)} away` : 'nearer';
  const far = was > 0 ? `${from} is ${milliseconds(was)} away` : `you came from ${from}`;
  return from === '' ? `You were brought to ${here}, ${near}.` : `You were brought to ${here}, ${near}; ${far}.`;
}

/** Remembers for this tab that nobody is to be sent on, and returns what was remembered. */
export function settle(arrival: Arrival | null, now = Date.now()): Arrival | null {
  try {
    if (arrival !== null) {
      sessionStorage.setItem(KEY, JSON.stringify({ ...arrival, at: now }));
      return arrival;
    }
    const text = sessionStorage.getItem(KEY);
    if (text === null) return null;
    const { at } = JSON.parse(text) as { at?: unknown };
    return typeof at === 'number' && now - at < SETTLED_FOR && now >= at ? readMark(encodeURIComponent(text)) : null;
  } catch {
    return arrival; // no storage, or not ours
  }
}

function round(trip: number | undefined): number {
  return trip === undefined ? 0 : Math.round(trip * 10) / 10;
}
