import { MockTransport } from "mockwire";

const transport = new MockTransport();
show(transport);

transport.get("https://api.test/status").reply({ ok: true });
transport.outage("api.test", {
  from: 2_000,
  until: 22_000,
  fault: "connectTimeout",
});

// A client that asks every five seconds, and less often in vain.
let pause = 1_000;
while (transport.now() < 40_000) {
  try {
    const response = await transport.fetch("https://api.test/status");
    console.log(seconds(), await response.json());
    pause = 1_000;
    await transport.sleep(5_000);
  } catch (error) {
    console.warn(seconds(), error.cause.code, "again in", pause, "ms");
    await transport.sleep(pause);
    pause *= 2;
  }
}

function seconds() {
  return `${transport.now() / 1_000} s`.padStart(5);
}
