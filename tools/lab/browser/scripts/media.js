// Replaces what getUserMedia and getDisplayMedia give: a tone of the participant's own as microphone, and canvases that this
// script paints as camera and screen. What config does not name stays the browser's. The pictures are described in the Go
// package picture.
//
// config: { hertz, camera, screen, blocks, stripHeight }, camera and screen each
// { participant, clock, colour: 'rgb(...)', width, height, fps }; with clock the strip is the wall clock, else participant and frame
(config) => {
  const devices = navigator.mediaDevices;
  if (!devices) return; // not a secure context: the page has to deal with that

  let context;
  function microphone() {
    if (!context) {
      context = new AudioContext();
      context.tone = new GainNode(context, { gain: 0.2 });
      const oscillator = new OscillatorNode(context, { frequency: config.hertz });
      oscillator.connect(context.tone);
      oscillator.start();
    }
    context.resume();
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    context.tone.connect(out);
    return out.stream.getAudioTracks()[0];
  }

  // painter returns a function that makes a new track of one picture that is painted from its first call on.
  function painter({ participant, clock, colour, width, height, fps }) {
    const { blocks, stripHeight } = config;
    let canvas;
    function start() {
      canvas = Object.assign(document.createElement('canvas'), { width, height });
      const pen = canvas.getContext('2d', { alpha: false });
      const block = width / blocks;
      const strip = Math.floor(height / stripHeight);
      const side = height / 8;
      let frame = 0;
      const paint = () => {
        pen.fillStyle = colour;
        pen.fillRect(0, strip, width, height - strip);
        pen.fillStyle = 'rgb(128,128,128)';
        pen.fillRect((frame * 8) % (width - side), height - 2 * side, side, side);
        pen.fillStyle = 'black';
        pen.fillRect(0, 0, width, strip);
        pen.fillStyle = 'white';
        const bits = clock ? Date.now() : (participant << 8) | (frame & 0xff);
        for (let k = 0; k < blocks; k++) {
          if ((bits >> (blocks - 1 - k)) & 1) pen.fillRect(k * block, 0, block, strip);
        }
        frame++;
      };
      paint();
      setInterval(paint, 1000 / fps);
    }
    return () => {
      if (!canvas) start();
      // Whenever it was painted: with a rate, the browser's clock and ours beat, and Firefox sends 20 of 30 pictures.
      return canvas.captureStream().getVideoTracks()[0];
    };
  }

  const camera = config.camera && painter(config.camera);
  const screen = config.screen && painter(config.screen);

  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints = {}) => {
    const rest = { audio: config.hertz ? false : constraints.audio, video: camera ? false : constraints.video };
    const tracks = rest.audio || rest.video || !(constraints.audio || constraints.video)
      ? (await original({ ...constraints, ...rest })).getTracks() : [];
    if (constraints.video && camera) tracks.push(camera());
    if (constraints.audio && config.hertz) tracks.push(microphone());
    return new MediaStream(tracks);
  };
  if (screen) devices.getDisplayMedia = async () => new MediaStream([screen()]);
}
