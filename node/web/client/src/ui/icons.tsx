/** Drawn at 24 x 24 in the text's colour; what a button does is said by its label. */
const PATHS = {
  microphone: 'M12 15a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3Zm-6-3a6 6 0 0 0 12 0M12 18v3',
  camera: 'M3 8a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2Zm12 3 6-3v8l-6-3',
  screen: 'M3 5h18v11H3ZM8 20h8M12 13V8m-2.5 2.5L12 8l2.5 2.5',
  chat: 'M4 5h16v11H9l-5 4Z',
  devices: 'M4 7h9m4 0h3M4 17h3m4 0h9M15 5v4M9 15v4',
  leave: 'M3 15c5-5 13-5 18 0l-2.5 2.5-3.5-1.5v-2.5a11 11 0 0 0-6 0V16l-3.5 1.5Z',
  send: 'M4 12h15m-6-6 6 6-6 6',
  close: 'm6 6 12 12M18 6 6 18',
  more: 'M12 6v.01M12 12v.01M12 18v.01',
  network: 'M12 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM6 21a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Zm12 0a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM10.9 7.7 7.1 16.3m6-8.6 3.8 8.6M8.5 18.5h7',
  star: 'm12 4 2.4 5.2 5.6.7-4.1 3.9 1 5.6L12 16.6l-4.9 2.8 1-5.6L4 9.9l5.6-.7Z',
} as const;

export function Icon({ name, off = false }: { name: keyof typeof PATHS; off?: boolean }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
      {off && <path d="M4 4l16 16" />}
    </svg>
  );
}
