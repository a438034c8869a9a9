// Replaces what getUserMedia gives: a tone of the participant's own as microphone and, when config.clock is set, a canvas
// with the wall clock in its strip as camera. Without config.clock the camera stays the browser's. The picture is described
// in the Go package picture.
//
// config: { hertz, clock, colour: 'rgb(...)', width, height, fps, blocks, stripHeight }
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

  let canvas;
  function camera() {
    if (!canvas) {
      canvas = document.createElement('canvas');
      canvas.width = config.width;
      canvas.height = config.height;
      const pen = canvas.getContext('2d', { alpha: false });
      const block = config.width / config.blocks;
      const strip = Math.floor(config.height / config.stripHeight);
      const side = config.height / 8;
      let frame = 0;
      setInterval(() => {
        pen.fillStyle = config.colour;
        pen.fillRect(0, strip, config.width, config.height - strip);
        pen.fillStyle = 'rgb(128,128,128)';
        pen.fillRect((frame++ * 8) % (config.width - side), config.height - 2 * side, side, side);
        pen.fillStyle = 'black';
        pen.fillRect(0, 0, config.width, strip);
        pen.fillStyle = 'white';
        const now = Date.now();
        for (let k = 0; k < config.blocks; k++) {
          if ((now >> (config.blocks - 1 - k)) & 1) pen.fillRect(k * block, 0, block, strip);
        }
      }, 1000 / config.fps);
    }
    return canvas.captureStream(config.fps).getVideoTracks()[0];
  }

  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints = {}) => {
    const tracks = [];
    if (constraints.video) {
      if (config.clock) tracks.push(camera());
      else tracks.push(...(await original({ video: constraints.video })).getTracks());
    }
    if (constraints.audio) tracks.push(microphone());
    if (!tracks.length) return original(constraints); // the browser's own error
    return new MediaStream(tracks);
  };
}
