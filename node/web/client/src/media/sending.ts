/** How we send, from what receivers want of us. */

export interface Wanted {
  kind: 'camera' | 'screen';
  /** codec that is sent, e.g. VP8 */
  codec: string;
  /** SenderSourceConstraints: 0 when nobody looks, undefined when nothing was said */
  maxHeight: number | undefined;
  /** size of the captured picture, 0 x 0 when unknown */
  captured: { width: number; height: number };
}

/** How many encodings there are to choose from. */
const ENCODINGS = 3;
const SCREEN_BITRATE = 2_500_000;

/** Bit/s for a picture of so many lines. */
function bitrate(height: number): number {
  if (height <= 180) return 200_000;
  return height <= 360 ? 500_000 : 1_500_000;
}

/**
 * What the encodings divide the captured size by, the smallest picture first. Chromium makes fewer of small pictures and
 * leaves out the last ones, so these must not be the large ones.
 */
function scales({ width, height }: Wanted['captured']): readonly number[] {
  const pixels = width * height;
  if (pixels === 0 || pixels >= 960 * 540) return [4, 2, 1];
  return pixels >= 480 * 270 ? [2, 1] : [1];
}

/**
 * @param current the sender's parameters as the browser gave them
 * @param layers whether the browser may be told of layers within a stream (scalabilityMode)
 * @returns parameters to set, undefined when they are right already
 */
export function sendParameters(
  current: RTCRtpSendParameters,
  wanted: Wanted,
  layers = true,
): RTCRtpSendParameters | undefined {
  const { encodings } = current;
  if (encodings.length === 0) return undefined;
  const next =
    wanted.kind === 'screen'
      ? encodings.map((encoding) => ({ ...encoding, active: wanted.maxHeight !== 0, maxBitrate: SCREEN_BITRATE }))
      : encodings.length === ENCODINGS
        ? encodings.map((encoding, index) => ({ ...encoding, ...simulcast(index, wanted) }))
        : encodings.map((encoding) => ({ ...encoding, ...single(wanted, layers) }));
  const preference = wanted.kind === 'screen' ? 'maintain-resolution' : undefined;
  const changed =
    next.some((encoding, index) => differs(encoding, encodings[index]!)) ||
    (preference !== undefined && current.degradationPreference !== preference);
  if (!changed) return undefined;
  return { ...current, encodings: next, ...(preference === undefined ? {} : { degradationPreference: preference }) };
}

function simulcast(index: number, { maxHeight, captured }: Wanted): RTCRtpEncodingParameters {
  const scale = scales(captured)[index];
  if (scale === undefined) return { active: false, scaleResolutionDownBy: 1 };
  const height = (captured.height || 720) / scale;
  // The smallest goes on as long as anybody looks.
  const active = maxHeight === undefined || (maxHeight > 0 && (index === 0 || height <= maxHeight));
  return { active, scaleResolutionDownBy: scale, maxBitrate: bitrate(height) };
}

function single({ maxHeight, captured, codec }: Wanted, layers: boolean): RTCRtpEncodingParameters {
  const active = maxHeight !== 0;
  const height = maxHeight ? Math.min(maxHeight, captured.height || maxHeight) : captured.height || 720;
  const scale = captured.height > height ? captured.height / height : 1;
  const maxBitrate = bitrate(height);
  if (!layers || !/^(vp9|av1)$/i.test(codec)) return { active, scaleResolutionDownBy: scale, maxBitrate };
  const spatial = height > 360 ? 3 : height > 180 ? 2 : 1;
  const scalabilityMode = spatial === 1 ? 'L1T3' : `L${spatial}T3_KEY`;
  return { active, scaleResolutionDownBy: scale, maxBitrate, scalabilityMode } as RTCRtpEncodingParameters;
}

function differs(next: RTCRtpEncodingParameters, now: RTCRtpEncodingParameters): boolean {
  const mode = (encoding: RTCRtpEncodingParameters): unknown => (encoding as { scalabilityMode?: string }).scalabilityMode;
  return (
    (now.active ?? true) !== (next.active ?? true) ||
    (now.scaleResolutionDownBy ?? 1) !== (next.scaleResolutionDownBy ?? 1) ||
    now.maxBitrate !== next.maxBitrate ||
    mode(now) !== mode(next)
  );
}
