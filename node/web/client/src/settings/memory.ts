/** What the browser remembers between meetings. Storage can be blocked; then nothing is remembered. */
export type Remembered = 'displayName' | 'microphone' | 'camera' | 'speaker';

export function remembered(what: Remembered): string {
  try {
    return localStorage.getItem(`atoll.${what}`) ?? '';
  } catch {
    return '';
  }
}

export function remember(what: Remembered, value: string): void {
  try {
    localStorage.setItem(`atoll.${what}`, value);
  } catch {
    // Not remembered.
  }
}
