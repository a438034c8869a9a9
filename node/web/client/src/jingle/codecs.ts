/** Which video codecs we take and in which order. */
import type { Description } from './offer';

/** As presence tells the room, in the order of preference. */
export function supportedCodecs(order: readonly string[], mimeTypes: readonly string[]): string[] {
  const can = new Set(mimeTypes.map((type) => type.replace(/^video\//i, '').toLowerCase()));
  return order.map((codec) => codec.toLowerCase()).filter((codec) => can.has(codec));
}

/**
 * The description with its payload types in the order that the configuration prefers; codecs that it does not name
 * stay behind those, in the offer's order. The browser answers in this order and sends the first.
 */
export function preferring(description: Description, order: readonly string[]): Description {
  const wanted = order.map((codec) => codec.toLowerCase());
  const primary = description.payloads.filter(({ name }) => name.toLowerCase() !== 'rtx');
  const rank = (name: string): number => {
    const at = wanted.indexOf(name.toLowerCase());
    return at < 0 ? wanted.length : at;
  };
  const ordered = [...primary].sort((a, b) => rank(a.name) - rank(b.name));
  const payloads = ordered.flatMap((payload) => [
    payload,
    ...description.payloads.filter(
      ({ name, parameters }) => name.toLowerCase() === 'rtx' && parameters.includes(`apt=${payload.id}`),
    ),
  ]);
  return { ...description, payloads };
}
