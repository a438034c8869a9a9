/** What stands in for devices: a picture and a tone per person that can be told apart, and a screen to share. */

export interface Look {
  /** of the clothes, 0 to 359 */
  hue: number;
  /** Hz */
  tone: number;
  /** there is no camera */
  blind?: boolean;
}

/** Runs in the page before its own scripts. */
export function pretend({ hue, tone, blind }: Look): void {
  if (!navigator.mediaDevices) return;
  const moving = (width: number, height: number, paint: (on: CanvasRenderingContext2D, time: number) => void): MediaStreamTrack => {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const on = canvas.getContext('2d')!;
    const draw = (): void => paint(on, performance.now() / 1000);
    draw();
    const timer = setInterval(draw, 50);
    const track = canvas.captureStream(20).getVideoTracks()[0]!;
    const stop = track.stop.bind(track);
    track.stop = () => {
      clearInterval(timer);
      stop();
    };
    return track;
  };

  const person = (on: CanvasRenderingContext2D, time: number): void => {
    const { width, height } = on.canvas;
    const wall = on.createLinearGradient(0, 0, width, height);
    wall.addColorStop(0, `hsl(${(hue + 40) % 360} 30% 82%)`);
    wall.addColorStop(1, `hsl(${(hue + 70) % 360} 28% 62%)`);
    on.fillStyle = wall;
    on.fillRect(0, 0, width, height);
    const sway = Math.sin(time * 1.3 + hue) * width * 0.008;
    const disc = (x: number, y: number, rx: number, ry: number, colour: string): void => {
      on.fillStyle = colour;
      on.beginPath();
      on.ellipse(x * width + sway, y * height, rx * height, ry * height, 0, 0, 2 * Math.PI);
      on.fill();
    };
    disc(0.5, 1.08, 0.42, 0.42, `hsl(${hue} 70% 45%)`);
    disc(0.5, 0.66, 0.07, 0.12, '#c98f6b');
    disc(0.5, 0.4, 0.185, 0.22, `hsl(${(hue * 7) % 60} 35% ${14 + (hue % 50) / 2}%)`);
    disc(0.5, 0.46, 0.15, 0.19, '#dba57f');
    disc(0.475, 0.44, 0.013, 0.016, '#2b1d18');
    disc(0.525, 0.44, 0.013, 0.016, '#2b1d18');
    disc(0.5, 0.555, 0.045, 0.008 + 0.012 * Math.abs(Math.sin(time * 5)), '#8d4a44');
  };

  const slide = (on: CanvasRenderingContext2D, time: number): void => {
    const { width, height } = on.canvas;
    on.fillStyle = '#fffdf6';
    on.fillRect(0, 0, width, height);
    on.fillStyle = '#0d5c63';
    on.fillRect(0, 0, width, height * 0.02);
    on.font = `600 ${height * 0.08}px sans-serif`;
    on.fillText('Reef survey, third week', width * 0.06, height * 0.17);
    [0.42, 0.55, 0.5, 0.7, 0.78].forEach((value, index) => {
      on.fillStyle = index === 4 ? '#d9901a' : '#7fb3b0';
      const tall = height * 0.65 * value * (1 + 0.01 * Math.sin(time * 3));
      on.fillRect(width * (0.08 + index * 0.17), height * 0.9 - tall, width * 0.12, tall);
    });
  };

  const sound = (): MediaStreamTrack => {
    const context = new AudioContext();
    const oscillator = new OscillatorNode(context, { frequency: tone });
    // Half a second loud, half a second quiet: a tone that never changes is background noise, and nobody is taken to speak by it.
    const volume = new GainNode(context, { gain: 0.11 });
    const syllables = new OscillatorNode(context, { type: 'square', frequency: 1 });
    const out = context.createMediaStreamDestination();
    oscillator.connect(volume).connect(out);
    syllables.connect(new GainNode(context, { gain: 0.09 })).connect(volume.gain);
    oscillator.start();
    syllables.start();
    void context.resume();
    return out.stream.getAudioTracks()[0]!;
  };

  navigator.mediaDevices.getUserMedia = async (constraints = {}) => {
    if (constraints.video && blind) throw new DOMException('Requested device not found', 'NotFoundError');
    return new MediaStream([
      ...(constraints.audio ? [sound()] : []),
      ...(constraints.video ? [moving(1280, 720, person)] : []),
    ]);
  };
  navigator.mediaDevices.getDisplayMedia = async () => new MediaStream([moving(1280, 720, slide)]);
}
