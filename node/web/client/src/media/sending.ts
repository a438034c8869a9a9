/** How large we send, from what receivers want of us. */

/**
 * @param current the sender's parameters as the browser gave them
 * @param maxHeight SenderSourceConstraints: 0 when nobody looks, undefined when nothing was said
 * @param captured height of the captured picture, 0 when unknown
 * @returns parameters to set, undefined when they are right already
 */
export function sendParameters(
  current: RTCRtpSendParameters,
  maxHeight: number | undefined,
  captured: number,
): RTCRtpSendParameters | undefined {
  const [encoding, ...others] = current.encodings;
  if (!encoding || maxHeight === undefined) return undefined;
  const active = maxHeight !== 0;
  const scale = maxHeight > 0 && captured > maxHeight ? captured / maxHeight : 1;
  if ((encoding.active ?? true) === active && (encoding.scaleResolutionDownBy ?? 1) === scale) return undefined;
  return { ...current, encodings: [{ ...encoding, active, scaleResolutionDownBy: scale }, ...others] };
}
