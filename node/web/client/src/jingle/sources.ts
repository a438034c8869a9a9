/** Our streams as the browser's description lists them, and as Jingle names them. */
import type { parse } from 'sdp-transform';
import { NS } from '../xmpp/names';
import { x } from '../xmpp/xml';

type Media = ReturnType<typeof parse>['media'][number];

/** The SSRCs of one source and how they belong together. */
export interface Streams {
  ssrcs: readonly number[];
  groups: readonly { semantics: string; ssrcs: readonly number[] }[];
}

/**
 * Encodings of one picture are a SIM group, the smallest first. A browser that makes them by rids lists only their
 * SSRCs; their order is that of the rids.
 */
export function streamsOf(media: Media): Streams {
  const ssrcs = [...new Set((media.ssrcs ?? []).map(({ id }) => Number(id)))];
  const groups = (media.ssrcGroups ?? []).map(({ semantics, ssrcs: of }) => ({
    semantics,
    ssrcs: of.split(' ').map(Number),
  }));
  const repairs = new Set(groups.filter(({ semantics }) => semantics === 'FID').map(({ ssrcs: [, rtx] }) => rtx));
  const primary = ssrcs.filter((ssrc) => !repairs.has(ssrc));
  if (primary.length > 1 && !groups.some(({ semantics }) => semantics === 'SIM')) {
    groups.unshift({ semantics: 'SIM', ssrcs: primary });
  }
  return { ssrcs, groups };
}

/** @param videoType undefined for sound */
export function sourceElements(
  { ssrcs, groups }: Streams,
  name: string,
  videoType: 'camera' | 'desktop' | undefined,
): Element[] {
  return [
    ...ssrcs.map((ssrc) =>
      x(
        'source',
        { xmlns: NS.sources, ssrc, name, videoType },
        x('parameter', { name: 'msid', value: `${name}-stream ${name}-track` }),
      ),
    ),
    ...groups.map(({ semantics, ssrcs: of }) =>
      x('ssrc-group', { xmlns: NS.sources, semantics }, ...of.map((ssrc) => x('source', { xmlns: NS.sources, ssrc }))),
    ),
  ];
}
