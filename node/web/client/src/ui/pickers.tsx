/** Which camera, microphone and speaker, and how loud the microphone is. */
import { useEffect, useRef } from 'preact/hooks';
import { Devices, type DeviceKind } from '../media/devices';
import { watchLevel } from '../media/level';

const LABELS: Readonly<Record<DeviceKind, string>> = { camera: 'Camera', microphone: 'Microphone', speaker: 'Speaker' };

/** A kind of which the browser names no device is left out. */
export function Pickers({ devices }: { devices: Devices }) {
  return (
    <>
      <Picker devices={devices} kind="camera" />
      <Picker devices={devices} kind="microphone" />
      {Devices.speakers && <Picker devices={devices} kind="speaker" />}
    </>
  );
}

function Picker({ devices, kind }: { devices: Devices; kind: DeviceKind }) {
  const known = devices.of(kind);
  const chosen = devices.chosen[kind].value;
  if (known.length === 0) return null;
  const id = `pick-${kind}`;
  return (
    <>
      <label for={id}>{LABELS[kind]}</label>
      <select
        id={id}
        data-testid={id}
        value={known.some(({ deviceId }) => deviceId === chosen) ? chosen : ''}
        onChange={({ currentTarget }) => void devices.choose(kind, currentTarget.value)}
      >
        <option value="">Chosen by the browser</option>
        {known.map(({ deviceId, label }, index) => (
          <option key={deviceId} value={deviceId}>
            {label || `${LABELS[kind]} ${index + 1}`}
          </option>
        ))}
      </select>
    </>
  );
}

export function Level({ devices }: { devices: Devices }) {
  const bar = useRef<HTMLDivElement>(null);
  const track = devices.microphone.value;
  const on = devices.microphoneOn.value;
  useEffect(() => {
    const show = (level: number): void => {
      const percent = Math.round(level * 100);
      bar.current?.style.setProperty('--level', `${percent}%`);
      bar.current?.setAttribute('aria-valuenow', String(percent));
    };
    show(0);
    return track && on ? watchLevel(track, show) : undefined;
  }, [track, on]);
  return (
    <div
      ref={bar}
      class="level"
      data-testid="level"
      role="meter"
      aria-label="Microphone level"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    />
  );
}
