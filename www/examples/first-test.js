import { MockTransport } from "mockwire";

const transport = new MockTransport();
show(transport); // this page draws what happens on it

transport
  .post("https://api.test/users")
  .header("content-type", "application/json")
  .jsonAt("/name", "Ada")
  .once()
  .reply(201, { id: 7 });

// Your code does this, with the `fetch` that it is given.
const response = await transport.fetch("https://api.test/users", {
  method: "POST",
  headers: {
    "content-type": "application/json",
    authorization: "Bearer secret",
  },
  body: JSON.stringify({ name: "Ada", born: 1815 }),
});
console.log("the client got", response.status, await response.json());

// Your test asks this.
console.log("the server got", transport.lastRequest().json());
transport.verify(); // every rule was used, and nothing else was asked for
console.log("verified");
