// Gives the page
//   atollLab.arrived()           how many <video> elements show a picture that was received
//   atollLab.look(picture)       the strip of every received picture that is shown now
//   atollLab.judge(ms, picture)  watches every <video> and listens to every <audio> and <video> for ms, and returns what was
//                                seen and heard; what it means is decided in Go
// Reading a picture converts the whole of it, so the judge looks only at received ones, every GAP ms: looking at all would cost
// as much as decoding them, on the cores that are under test.
() => {
  const GAP = 80;
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const context = (width, height) =>
    Object.assign(document.createElement('canvas'), { width, height }).getContext('2d', { willReadFrequently: true });
  const tile = (element) => {
    const around = element.closest('[data-endpoint], [data-screen]');
    const { endpoint, screen } = around?.dataset ?? {};
    return { endpoint: endpoint ?? screen ?? '', screen: screen !== undefined, label: around?.innerText.trim() ?? '' };
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
    const shown = track(video, 'video');
    const seen = { samples: [], colour: [0, 0, 0] };
    let handle, next = 0;
    const onFrame = () => {
      const now = Date.now();
      handle = video.requestVideoFrameCallback(onFrame);
      if (now < next) return;
      next = now + GAP;
      seen.samples.push([strip(pen, video, picture), now]);
      if (seen.samples.length % 8 === 1) seen.colour = colour(flat, video);
    };
    const remote = isRemote(shown);
    if (remote) handle = video.requestVideoFrameCallback(onFrame);
    return () => {
      if (remote) video.cancelVideoFrameCallback(handle);
      return {
        ...seen, ...tile(video), width: video.videoWidth, height: video.videoHeight, paused: video.paused,
        remote, track: shown?.id ?? '',
      };
    };
  }

  // listen collects the peaks of the spectrum, once a call of take. A gap spreads over the spectrum: each call is to hear its own sixth
  // of a second alone.
  function listen(audio, element) {
    const heard = track(element, 'audio');
    const source = audio.createMediaStreamSource(new MediaStream([heard]));
    const analyser = new AnalyserNode(audio, { fftSize: 8192, smoothingTimeConstant: 0 });
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

  // What is read of a stream's statistics; what a browser does not have is left out.
  const names = {
    'inbound-rtp': ['kind', 'ssrc', 'trackIdentifier', 'timestamp', 'packetsReceived', 'packetsLost', 'bytesReceived',
      'framesReceived', 'framesDecoded', 'keyFramesDecoded', 'framesDropped', 'freezeCount', 'totalFreezesDuration',
      'jitterBufferDelay', 'jitterBufferEmittedCount', 'pliCount', 'nackCount', 'concealedSamples', 'totalSamplesReceived', 'frameWidth', 'frameHeight'],
    'outbound-rtp': ['kind', 'ssrc', 'timestamp', 'packetsSent', 'bytesSent', 'framesEncoded', 'keyFramesEncoded', 'pliCount', 'nackCount',
      'retransmittedPacketsSent', 'frameWidth', 'frameHeight', 'targetBitrate', 'qualityLimitationReason', 'scalabilityMode', 'active'],
  };

  // streams returns the statistics of everything that is received and sent, with the codec and what the network has room for.
  async function streams() {
    const found = { inbound: [], outbound: [] };
    for (const connection of atollLab.connections) {
      if (connection.connectionState === 'closed') continue;
      const stats = await connection.getStats();
      let room;
      for (const s of stats.values()) if (s.type === 'candidate-pair') room = s.availableOutgoingBitrate ?? room;
      for (const s of stats.values()) {
        if (!Object.hasOwn(names, s.type)) continue;
        const stream = { codec: stats.get(s.codecId)?.mimeType.split('/')[1] ?? '' };
        for (const name of names[s.type]) stream[name] = s[name];
        if (s.type === 'inbound-rtp') found.inbound.push(stream);
        else found.outbound.push({ ...stream, availableOutgoingBitrate: room });
      }
    }
    return found;
  }

  atollLab.arrived = () =>
    [...document.querySelectorAll('video')].filter((v) => v.videoWidth > 0 && isRemote(track(v, 'video'))).length;

  atollLab.look = (picture) => {
    const pen = context(picture.blocks * 10, 10);
    return [...document.querySelectorAll('video')]
      .filter((v) => v.videoWidth > 0 && isRemote(track(v, 'video')))
      .map((v) => strip(pen, v, picture));
  };

  atollLab.judge = async (ms, picture) => {
    const audio = new AudioContext({ sampleRate: 48000 });
    await audio.resume();
    const elements = [...document.querySelectorAll('audio, video')];
    const ears = elements.filter((e) => track(e, 'audio')).map((e) => listen(audio, e));
    const eyes = elements.filter((e) => e instanceof HTMLVideoElement).map((e) => watch(e, picture));
    const stats = [await streams()];
    const begun = Date.now();
    for (let asked = begun, over = false; !over; ) {
      await sleep(Math.min(250, Math.max(1, ms - (Date.now() - begun))));
      ears.forEach((ear) => ear.take());
      over = Date.now() - begun >= ms;
      if (!over && Date.now() - asked < 950) continue;
      asked = Date.now();
      stats.push(await streams());
    }
    const report = { videos: eyes.map((eye) => eye()), sounds: ears.map((ear) => ear.result()), stats };
    await audio.close();
    return report;
  };
}
