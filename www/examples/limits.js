import { MockTransport, reply } from "mockwire";

const transport = new MockTransport({
  concurrency: {
    max: 2,
    priority: ({ headers }) => headers.get("x-priority") ?? "normal",
  },
});
show(transport);

for (const name of ["a", "b", "c", "d", "e", "login"]) {
  transport
    .get(`https://api.test/${name}`)
    .reply(reply.text(`${name} is here`, { delay: 200 }));
}

async function get(name, priority) {
  const response = await transport.fetch(`https://api.test/${name}`, {
    headers: { "x-priority": priority },
  });
  console.log(`${transport.now()} ms`, await response.text());
}

// The login comes last, and is the third to be answered.
await Promise.all([
  ...["a", "b", "c", "d", "e"].map((name) => get(name, "normal")),
  get("login", "critical"),
]);
console.log("at most", transport.concurrency().peak, "at once");
