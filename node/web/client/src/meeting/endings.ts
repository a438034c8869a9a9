/** Conditions, ours and XMPP's, in words for people. */
const WORDS: Readonly<Record<string, string>> = {
  'conference-request': 'The meeting could not be opened. Trying again …',
  'connection-lost': 'The connection was lost. Trying again …',
  conflict: 'This meeting was joined from somewhere else with the same identity.',
  destroyed: 'The meeting was ended.',
  forbidden: 'You are not allowed into this meeting.',
  kicked: 'You were removed from the meeting.',
  'not-allowed': 'You are not allowed into this meeting.',
  'not-authorized': 'This server does not let guests in.',
  'registration-required': 'This meeting is for members only.',
  removed: 'You are no longer in the meeting.',
  'service-unavailable': 'The meeting is full.',
  'wrong-password': 'That was not the right password.',
};

/** @param reason what somebody gave as the reason, '' when nobody did */
export function explain(condition: string, reason = ''): string {
  const words = WORDS[condition] ?? `The meeting could not be joined (${condition}).`;
  return reason === '' ? words : `${words} (${reason})`;
}
