import { MockTransport } from "mockwire";

const transport = new MockTransport();
show(transport);

const chat = transport.websocket("wss://api.test/chat/:room").accept({
  openAfter: 50,
  steps: [
    { expect: "hello" },
    { delay: 200 },
    { send: "welcome" },
    { echo: 2 },
    { delay: 300 },
    { close: { code: 4000, reason: "closing time" } },
  ],
});

const socket = new transport.WebSocket("wss://api.test/chat/blue");
const say = (text) => console.log(`${transport.now()} ms`, text);
socket.onopen = () => {
  say("open");
  for (const text of ["hello", "one", "two"]) socket.send(text);
};
socket.onmessage = ({ data }) => say(`server: ${data}`);
await new Promise((resolve) => {
  socket.onclose = ({ code, reason }) => {
    resolve(say(`closed with ${code}, ${reason}`));
  };
});

console.log(chat.messages.join("\n"));
transport.verify();
