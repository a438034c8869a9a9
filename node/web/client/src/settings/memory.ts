/** What the browser remembers between meetings. Storage can be blocked; then nothing is remembered. */
const NAME = 'atoll.displayName';

export function storedName(): string {
  try {
    return localStorage.getItem(NAME) ?? '';
  } catch {
    return '';
  }
}

export function storeName(name: string): void {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // Not remembered.
  }
}
