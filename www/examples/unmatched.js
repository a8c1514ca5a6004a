import { MockTransport } from "mockwire";

const transport = new MockTransport();
show(transport);

transport.get("https://api.test/models").reply({ data: [] });
transport
  .post("https://api.test/v1/messages")
  .header("x-api-key", "secret")
  .jsonAt("/model", "small")
  .jsonAt("/max_tokens", 8)
  .reply({ text: "hello" });

// The model is not the one that the rule asks for.
try {
  await transport.fetch("https://api.test/v1/messages", {
    method: "POST",
    headers: { "x-api-key": "secret" },
    body: JSON.stringify({ model: "large", max_tokens: 8 }),
  });
} catch (error) {
  console.error(error.message);
}

// Code that swallows errors does not get away with it.
try {
  transport.verify();
} catch (error) {
  console.error(`\n${error.name}: ${error.message.split("\n")[0]}`);
}
