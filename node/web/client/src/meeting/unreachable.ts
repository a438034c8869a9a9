/**
 * Why no media came through, in words for people.
 * @param offered whether the server told of relays
 * @param reached whether the browser got hold of one
 */
export function explainUnreachable(offered: boolean, reached: boolean): string {
  if (reached) return "No sound or picture comes through, not even over the server's relay (TURN).";
  const cause = 'No sound or picture comes through: your network seems to block UDP, and';
  return offered
    ? `${cause} none of the server's relays (TURN) can be reached.`
    : `${cause} this server offers no relay (TURN).`;
}
