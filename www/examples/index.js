/** The examples, in the order in which they are offered. Each is a module as a user would write it. */
export const EXAMPLES = [
  { name: "first-test", title: "A first test", about: "A rule, a request, and what the test reads." },
  { name: "unmatched", title: "Nothing matched", about: "A mistake in the code under test, and what the failure says." },
  { name: "model", title: "A model streams", about: "Anthropic's events on the wire, at their own pace, in real time." },
  { name: "broken-stream", title: "A stream breaks", about: "The connection is reset in the middle of a character." },
  { name: "retries", title: "Retries, judged", about: "A client that is too impatient, and a verdict on it." },
  { name: "outage", title: "An outage", about: "Twenty seconds of back-off, which nobody waits for." },
  { name: "limits", title: "Limits", about: "Six requests, two at a time, the most urgent first." },
  { name: "websocket", title: "A WebSocket", about: "A server that is a script." },
];
