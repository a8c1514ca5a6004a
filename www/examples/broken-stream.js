import { MockTransport, reply } from "mockwire";

const transport = new MockTransport();
show(transport);

transport.get("https://api.test/menu").reply(
  reply.events(["crêpe", "café au lait", "gâteau"], {
    gap: 100,
    chunking: { bytes: 5 }, // pieces end where they like
    cutAt: 24, // in the middle of é, which is two bytes
    end: "reset",
  }),
);

const response = await transport.fetch("https://api.test/menu");
const decoder = new TextDecoder();
try {
  for await (const bytes of response.body) {
    const text = decoder.decode(bytes, { stream: true });
    console.log(`${transport.now()} ms`, bytes, JSON.stringify(text));
  }
} catch (error) {
  console.error(`${error}: ${error.cause?.code}`);
}

const { status, outcome, delivered } = transport.lastRequest();
console.log({ status, outcome, delivered });
