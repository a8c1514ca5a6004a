/** Hosts as they are sent, however they were written. */

/** Anything but ASCII, or a bracket: what hosts nearly never have. */
const RARE = /[^\0-Z\\-\x7f]/;

/** What may stand before the host of a target, and the host. */
const HOST = /^([^/]*\b(?:https?|wss?):\/\/)(\[[^\]/?#]*\]|[^:/?#]+)/i;

/** A target, perhaps after a method, whose host is written as it is sent: names as Punycode, addresses in one way. */
export function withSentHost(target: string): string {
  if (!RARE.test(target)) return target;
  return target.replace(HOST, (_, before: string, host: string) => before + sentHost(host));
}

export function sentHost(host: string): string {
  if (!RARE.test(host)) return host;
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    // What the platform cannot read is the engine's to refuse.
    return host;
  }
}
