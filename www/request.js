/** One captured request, as an item of a list that can be opened. */

/** `entry` is one of `transport.timeline({ bodies: true })`. */
export function requestItem(entry) {
  const { sequence, request, head, end, received } = entry;
  const outcome = end?.outcome ?? "pending";
  const summary = made("summary", "", [
    made("span", "sequence", `#${sequence}`),
    made("span", "line", `${request.method} ${request.url}`),
    made("span", "status", head === undefined ? "" : String(head.status)),
    made("span", `outcome ${outcome}`, outcome),
    made("span", "time", `${Math.round(received)} ms`),
  ]);
  const facts = [
    ["rule", entry.matched && `${entry.matched.rule} at ${entry.matched.site}`],
    ["waited", entry.queued && waited(entry)],
    ["refused", entry.refused],
    ["cause", end && [end.cause, end.code, end.message].filter(Boolean).join(", ")],
    ["sent", message(request.headers, request.body)],
    ["got", head && message(head.headers, entry.body, entry.bytes)],
    ["messages", entry.messages?.map(({ at, from, kind, body }) => `${Math.round(at)} ms  ${from} ${kind} ${textOf(body)}`).join("\n")],
  ];
  const list = made(
    "dl",
    "",
    facts.filter(([, text]) => text).flatMap(([name, text]) => [made("dt", "", name), made("dd", "", text)]),
  );
  const details = made("details", "", [summary, list]);
  return made("li", "", [details]);
}

/** How long it waited for a limit on concurrency, and for which. */
function waited({ received, queued: { limit, acquired } }) {
  const whose = limit === "total" ? "all" : limit.key;
  const until = acquired === undefined ? "to no end" : `${Math.round(acquired - received)} ms`;
  return `${until}, for the limit of ${whose}`;
}

/** Header fields and a body, as they would be on the wire. */
function message(headers, body, bytes) {
  const fields = headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  const content = body === undefined ? bytes && `(${bytes} bytes)` : textOf(body);
  return [fields, content].filter(Boolean).join("\n\n");
}

function textOf(body) {
  if (body?.base64 !== undefined) return `base64 ${body.base64}`;
  const text = body?.text ?? "";
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

function made(kind, className, content) {
  const node = document.createElement(kind);
  if (className !== "") node.className = className;
  node.append(...(typeof content === "string" ? [content] : content));
  return node;
}
