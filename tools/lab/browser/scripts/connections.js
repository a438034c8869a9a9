// Keeps every RTCPeerConnection that the page makes, so that the judge can ask for its statistics.
() => {
  const Original = globalThis.RTCPeerConnection;
  const connections = [];
  globalThis.RTCPeerConnection = new Proxy(Original, {
    construct(target, args, asked) {
      const connection = Reflect.construct(target, args, asked === globalThis.RTCPeerConnection ? target : asked);
      connections.push(connection);
      return connection;
    },
  });
  Object.defineProperty(globalThis, 'atollLab', { value: { connections } });
}
