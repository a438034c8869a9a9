// Gives the page
//   atollLab.arrived()           how many <video> elements show a picture that was received
//   atollLab.judge(ms, picture)  watches every <video> and listens to every <audio> and <video> for ms, and returns what was
//                                seen and heard; what it means is decided in Go
() => {
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const context = (width, height) =>
    Object.assign(document.createElement('canvas'), { width, height }).getContext('2d', { willReadFrequently: true });
  const tile = (element) => {
    const around = element.closest('[data-endpoint]');
    return { endpoint: around?.dataset.endpoint ?? '', label: around?.innerText.trim() ?? '' };
  };
  const track = (element, kind) =>
    element.srcObject instanceof MediaStream ? element.srcObject.getTracks().find((t) => t.kind === kind) : undefined;
  const isRemote = (t) =>
    atollLab.connections.some((c) => c.getReceivers().some((receiver) => receiver.track === t));

  // strip returns the bits in the top of a picture, or -1 when a block is neither black nor white.
  function strip(pen, video, picture) {
    const cell = 10;
    const width = picture.blocks * cell;
    pen.drawImage(video, 0, 0, video.videoWidth, video.videoHeight / picture.stripHeight, 0, 0, width, cell);
    const { data } = pen.getImageData(0, 0, width, cell);
    let bits = 0;
    for (let k = 0; k < picture.blocks; k++) {
      let sum = 0;
      for (let y = 3; y < 7; y++) {
        for (let x = 3; x < 7; x++) {
          const at = 4 * (y * width + k * cell + x);
          sum += data[at] + data[at + 1] + data[at + 2];
        }
      }
      const light = sum / 48;
      if (light > 90 && light < 165) return -1;
      bits = (bits << 1) | (light > 128 ? 1 : 0);
    }
    return bits;
  }

  // colour returns the mean of the flat part of a picture.
  function colour(pen, video) {
    pen.drawImage(video, 0, video.videoHeight * 0.3, video.videoWidth, video.videoHeight * 0.3, 0, 0, 8, 8);
    const { data } = pen.getImageData(0, 0, 8, 8);
    const mean = [0, 0, 0];
    for (let k = 0; k < data.length; k++) if (k % 4 < 3) mean[k % 4] += data[k] / 64;
    return mean.map(Math.round);
  }

  function watch(video, picture) {
    const pen = context(picture.blocks * 10, 10);
    const flat = context(8, 8);
    const seen = { samples: [], colour: [0, 0, 0], presented: 0 };
    let first, handle;
    const onFrame = (_, metadata) => {
      const now = Date.now();
      handle = video.requestVideoFrameCallback(onFrame);
      first ??= metadata.presentedFrames - 1;
      seen.presented = metadata.presentedFrames - first;
      seen.samples.push([strip(pen, video, picture), now]);
      if (seen.samples.length % 15 === 1) seen.colour = colour(flat, video);
    };
    handle = video.requestVideoFrameCallback(onFrame);
    return () => {
      video.cancelVideoFrameCallback(handle);
      const shown = track(video, 'video');
      return {
        ...seen, ...tile(video), width: video.videoWidth, height: video.videoHeight, paused: video.paused,
        remote: isRemote(shown), track: shown?.id ?? '',
      };
    };
  }

  // listen collects the peaks of the spectrum, once a call of take.
  function listen(audio, element) {
    const heard = track(element, 'audio');
    const source = audio.createMediaStreamSource(new MediaStream([heard]));
    const analyser = new AnalyserNode(audio, { fftSize: 8192, smoothingTimeConstant: 0.5 });
    source.connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    const reads = [];
    return {
      take() {
        analyser.getFloatFrequencyData(bins);
        const peaks = [];
        for (let k = 4; k < bins.length - 4; k++) {
          if (bins[k] > -70 && [1, 2, 3, 4].every((d) => bins[k] >= bins[k - d] && bins[k] > bins[k + d])) {
            peaks.push([(k * audio.sampleRate) / analyser.fftSize, bins[k]]);
          }
        }
        reads.push(peaks.sort((a, b) => b[1] - a[1]).slice(0, 16));
      },
      result: () => ({
        ...tile(element), playing: !element.paused && !element.muted && element.volume > 0,
        remote: isRemote(heard), track: heard.id, reads,
      }),
    };
  }

  async function inbound() {
    const found = [];
    for (const connection of atollLab.connections) {
      if (connection.connectionState === 'closed') continue;
      for (const s of (await connection.getStats()).values()) {
        if (s.type === 'inbound-rtp') {
          const { kind, ssrc, trackIdentifier, timestamp, packetsReceived, packetsLost, bytesReceived, framesDecoded, keyFramesDecoded,
            freezeCount, totalFreezesDuration, jitterBufferDelay, jitterBufferEmittedCount, pliCount, nackCount,
            concealedSamples, totalSamplesReceived, frameWidth, frameHeight } = s;
          found.push({ kind, ssrc, trackIdentifier, timestamp, packetsReceived, packetsLost, bytesReceived, framesDecoded, keyFramesDecoded,
            freezeCount, totalFreezesDuration, jitterBufferDelay, jitterBufferEmittedCount, pliCount, nackCount,
            concealedSamples, totalSamplesReceived, frameWidth, frameHeight });
        }
      }
    }
    return found;
  }

  atollLab.arrived = () =>
    [...document.querySelectorAll('video')].filter((v) => v.videoWidth > 0 && isRemote(track(v, 'video'))).length;

  atollLab.judge = async (ms, picture) => {
    const audio = new AudioContext({ sampleRate: 48000 });
    await audio.resume();
    const elements = [...document.querySelectorAll('audio, video')];
    const ears = elements.filter((e) => track(e, 'audio')).map((e) => listen(audio, e));
    const eyes = elements.filter((e) => e instanceof HTMLVideoElement).map((e) => watch(e, picture));
    const stats = [await inbound()];
    for (const begun = Date.now(); Date.now() - begun < ms; ) {
      await sleep(Math.min(1000, Math.max(1, ms - (Date.now() - begun))));
      ears.forEach((ear) => ear.take());
      stats.push(await inbound());
    }
    const report = { videos: eyes.map((eye) => eye()), sounds: ears.map((ear) => ear.result()), stats };
    await audio.close();
    return report;
  };
}
