// The floor of WebSocket: two hand-written EventTargets that hand each other messages, nothing recorded.
class End extends EventTarget {
  peer;

  send(data) {
    queueMicrotask(() => this.peer.dispatchEvent(new MessageEvent("message", { data })));
  }
}

export async function openEcho() {
  const [client, server] = [new End(), new End()];
  client.peer = server;
  server.peer = client;
  server.addEventListener("message", ({ data }) => server.send(data));
  return { socket: client, clear() {} };
}
