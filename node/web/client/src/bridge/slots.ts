/**
 * Slots: the SSRCs on which the node sends us other people's media, and whose source is on each of them now.
 *
 * A source map names SSRCs. A new SSRC becomes a new slot, which is one m-line of our peer connection; a known SSRC
 * with another source re-labels its slot and needs no negotiation. Slots are never removed: their place in the list is
 * their m-line. Maps are increments: a slot that is not named keeps its source.
 */
export type Kind = 'audio' | 'video';

export interface Slot {
  readonly kind: Kind;
  readonly ssrc: number;
  /** SSRC of retransmissions, 0 when there is none */
  readonly rtx: number;
  /** source name, '' when the slot is free */
  readonly source: string;
  /** endpoint id of the source's owner, '' when the slot is free */
  readonly owner: string;
  readonly videoType: string;
}

/** One entry of a VideoSourcesMap or AudioSourcesMap. */
export interface Mapping {
  source: string;
  owner: string;
  ssrc: number;
  rtx: number;
  videoType: string;
}

/** More slots of a kind than a node may use are not accepted: each is an m-line for the rest of the session. */
export const SLOTS_PER_KIND = 50;

/**
 * @returns the slots afterwards, the same array when nothing changed. `grown` in the result says that m-lines are
 * missing now.
 */
export function applyMap(
  slots: readonly Slot[],
  kind: Kind,
  mappings: readonly Mapping[],
): { slots: readonly Slot[]; grown: boolean } {
  const next = [...slots];
  let count = slots.filter((slot) => slot.kind === kind).length;
  let grown = false;
  let changed = false;
  for (const mapping of mappings) {
    // A source is on one SSRC at a time: the slot where it was is free until it is named again.
    if (mapping.source !== '') {
      const before = next.findIndex((slot) => slot.kind === kind && slot.source === mapping.source);
      if (before >= 0 && next[before]!.ssrc !== mapping.ssrc) {
        next[before] = { ...next[before]!, source: '', owner: '' };
        changed = true;
      }
    }
    const at = next.findIndex((slot) => slot.ssrc === mapping.ssrc);
    const known = next[at];
    if (known) {
      if (known.kind !== kind) continue;
      const { source, owner, videoType } = mapping;
      if (known.source === source && known.owner === owner && known.videoType === videoType) continue;
      next[at] = { ...known, source, owner, videoType };
      changed = true;
    } else if (count < SLOTS_PER_KIND) {
      next.push({ kind, ...mapping });
      count++;
      grown = changed = true;
    }
  }
  return { slots: changed ? next : slots, grown };
}

/** Reads `mappedSources` of a map message; entries that are not as they should be are left out. */
export function readMappings(value: unknown): Mapping[] {
  if (!Array.isArray(value)) return [];
  const mappings: Mapping[] = [];
  for (const entry of value.slice(0, 4 * SLOTS_PER_KIND) as unknown[]) {
    if (typeof entry !== 'object' || entry === null) continue;
    const { source, owner, ssrc, rtx, videoType } = entry as Record<string, unknown>;
    if (!isSsrc(ssrc)) continue;
    mappings.push({
      source: typeof source === 'string' ? source : '',
      owner: typeof owner === 'string' ? owner : '',
      ssrc,
      rtx: isSsrc(rtx) ? rtx : 0,
      videoType: typeof videoType === 'string' ? videoType.toLowerCase() : '',
    });
  }
  return mappings;
}

function isSsrc(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffffffff;
}
