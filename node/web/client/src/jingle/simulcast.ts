/**
 * Three encodings of our camera: a quarter, a half and the whole height. The node knows streams by their SSRCs, so each
 * encoding has an SSRC that is signalled. Browsers differ in how they are told to make them:
 *
 *   Chromium, Safari   by SSRCs: our own description is given the further SSRCs and a SIM group before it is set
 *   Firefox            by rids: the remote description asks for them, Firefox then lists their SSRCs
 */

export const SCALES: readonly number[] = [4, 2, 1];

/** Whether this browser makes encodings by rids. */
export function byRids(userAgent: string): boolean {
  return /\bFirefox\//.test(userAgent);
}

/** What the remote description says in the camera's section to browsers that make encodings by rids. */
export function ridLines(): string[] {
  const rids = SCALES.map((_, index) => String(index + 1));
  return [...rids.map((rid) => `a=rid:${rid} recv`), `a=simulcast:recv ${rids.join(';')}`];
}

/** Codecs whose encodings are streams of their own; the others have layers in one stream. */
export function hasStreamPerEncoding(codec: string): boolean {
  return /^(vp8|h264)$/i.test(codec);
}

/**
 * Adds the SSRCs of further encodings to one section of our own description.
 * @param mid of the section
 * @param further SSRC and SSRC of retransmissions of each further encoding: the same for a whole session
 * @returns the description as it was when the section has no stream, or has its encodings already
 */
export function withEncodings(sdp: string, mid: string, further: readonly (readonly [number, number])[]): string {
  const sections = sdp.split(/\r\n(?=m=)/);
  return sections
    .map((section) => (section.split('\r\n').includes(`a=mid:${mid}`) ? widened(section, further) : section))
    .join('\r\n');
}

function widened(section: string, further: readonly (readonly [number, number])[]): string {
  if (/^a=ssrc-group:SIM /m.test(section)) return section;
  const ssrc = /^a=ssrc:(\d+) /m.exec(section)?.[1];
  if (ssrc === undefined) return section;
  const [, first = ssrc, repair] = /^a=ssrc-group:FID (\d+) (\d+)/m.exec(section) ?? [];
  const of = (from: string, to: number): string[] =>
    [...section.matchAll(new RegExp(`^a=ssrc:${from} (.*?)\\r?$`, 'gm'))].map(([, rest]) => `a=ssrc:${to} ${rest}`);
  const lines = further.flatMap(([primary, rtx]) => [
    ...of(first, primary),
    ...(repair === undefined ? [] : [...of(repair, rtx), `a=ssrc-group:FID ${primary} ${rtx}`]),
  ]);
  lines.push(`a=ssrc-group:SIM ${[first, ...further.map(([primary]) => primary)].join(' ')}`);
  return `${section.replace(/\r\n$/, '')}\r\n${lines.join('\r\n')}${section.endsWith('\r\n') ? '\r\n' : ''}`;
}

/** Random SSRCs for the encodings beyond the first. */
export function furtherSsrcs(random: () => number = randomSsrc): [number, number][] {
  return SCALES.slice(1).map(() => [random(), random()]);
}

function randomSsrc(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! || 1;
}
