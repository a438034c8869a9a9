/** Before a meeting: finds out whether this node is the one to meet at. */
import { destination, explain, settle, takeMark } from './arrival';
import { measure, report } from './measure';
import { choose, readNearest, told } from './nearest';
import { remembered } from '../settings/memory';

export interface Home {
  /** what to tell the person, '' for nothing */
  readonly arrived: string;
  /** what was measured, in words */
  readonly measured: string;
  /** a name that came along */
  readonly name: string;
}

/**
 * @param config window.config
 * @returns where one is; a promise while that is measured, which may never come because the page goes to another node
 */
export function findHome(config: unknown): Home | Promise<Home> {
  const { hash, arrival } = takeMark(location.hash);
  if (arrival !== null) history.replaceState(history.state, '', `${location.pathname}${location.search}${hash}`);
  const nearest = readNearest((config as { nearest?: unknown } | undefined)?.nearest);
  const before = settle(arrival);
  if (before !== null) {
    const region = (config as { deploymentInfo?: { region?: unknown } } | undefined)?.deploymentInfo?.region;
    const here = nearest?.label ?? (typeof region === 'string' && region !== '' ? region : 'this node');
    const text = explain(before, here);
    return { arrived: text, measured: text, name: arrival?.name ?? '' };
  }
  // A page in somebody's frame would leave what the frame allows.
  if (nearest === null || window.top !== window) return { arrived: '', measured: '', name: '' };
  return measure(nearest, location.origin).then((trips) => {
    report(nearest, location.origin, trips);
    const to = choose(nearest, trips);
    if (to === null) return { arrived: '', measured: told(nearest, trips), name: '' };
    location.replace(destination(to, nearest, trips, location, remembered('displayName')));
    return new Promise<Home>(() => undefined);
  });
}
