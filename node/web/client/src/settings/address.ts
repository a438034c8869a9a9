/**
 * What the address bar says: the room is the path, Jitsi's URL parameters are in the hash
 * (`#config.startWithAudioMuted=true&userInfo.displayName="Ann"`).
 */

/**
 * The room of a path as its MUC node, '' for the start page: the last segment, lower case, percent-encoded as
 * Jitsi clients do it, so that everyone who follows the same link is in the same room.
 */
export function roomOfPath(path: string): string {
  const segment = path.split('/').filter((part) => part !== '').pop() ?? '';
  return roomNode(decoded(segment));
}

/** The MUC node of a room name that somebody typed. */
export function roomNode(name: string): string {
  const trimmed = name.trim().normalize('NFKC').toLowerCase();
  return encodeURIComponent(wellFormed(trimmed)).toLowerCase();
}

/** The room name for people. */
export function roomTitle(node: string): string {
  return decoded(node);
}

/** The hash as dotted name to value; values are JSON, or taken as they stand when they are not. */
export function hashParameters(hash: string): Map<string, unknown> {
  const parameters = new Map<string, unknown>();
  for (const part of hash.replace(/^#/, '').split('&')) {
    const at = part.indexOf('=');
    if (at <= 0) continue;
    const value = decoded(part.slice(at + 1));
    try {
      parameters.set(decoded(part.slice(0, at)), JSON.parse(value));
    } catch {
      parameters.set(decoded(part.slice(0, at)), value);
    }
  }
  return parameters;
}

/** The display name that a link gives, '' when it gives none. */
export function displayName(hash: ReadonlyMap<string, unknown>): string {
  const given = hash.get('userInfo.displayName');
  return typeof given === 'string' || typeof given === 'number' ? String(given).trim().slice(0, 80) : '';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Replaces lone surrogates, on which encodeURIComponent throws. */
function wellFormed(text: string): string {
  return text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}
