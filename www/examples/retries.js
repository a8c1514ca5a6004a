import { MockTransport, reply } from "mockwire";

const transport = new MockTransport();
show(transport);

const busy = reply.json(
  { error: "slow down" },
  { status: 429, headers: { "retry-after": "3" } },
);
transport.post("https://api.test/payments").retry(2, busy, { paid: true });

// The code under test. It waits, but not for as long as it is told.
async function pay() {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const response = await transport.fetch("https://api.test/payments", {
      method: "POST",
      body: JSON.stringify({ amount: 7 }),
    });
    if (response.ok) return response.json();
    // Better: `await response.body.cancel()` first, and then 3000.
    await transport.sleep(1000);
  }
  throw new Error("not paid");
}

console.log(await pay());
console.log("attempts at", ...transport.requests().map(({ at }) => at));
