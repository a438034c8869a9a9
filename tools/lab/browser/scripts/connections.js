// Keeps every RTCPeerConnection that the page makes, so that the judge can ask for its statistics, and every WebSocket, so that a
// test can speak on the bridge channel:
//   atollLab.connections, atollLab.sockets
//   atollLab.outgoing   what a socket is about to send goes through it when a test has set it
() => {
  function keep(name, list, made) {
    const Original = globalThis[name];
    globalThis[name] = new Proxy(Original, {
      construct(target, args, asked) {
        const one = Reflect.construct(target, args, asked === globalThis[name] ? target : asked);
        list.push(one);
        made?.(one);
        return one;
      },
    });
  }
  const lab = { connections: [], sockets: [], outgoing: undefined };
  keep('RTCPeerConnection', lab.connections);
  keep('WebSocket', lab.sockets, (socket) => {
    const send = socket.send.bind(socket);
    socket.send = (message) => send(lab.outgoing ? lab.outgoing(message) : message);
  });
  Object.defineProperty(globalThis, 'atollLab', { value: lab });
}
