/** Where a rule was registered, for messages. */

interface V8Error {
  stackTraceLimit?: number;
  captureStackTrace?: (target: object, below: unknown) => void;
}

/** A place in the source, not yet in words; `undefined` where the platform cannot tell. */
export type Place = { readonly stack?: unknown } | undefined;

/** Where the public function `below` was called. One frame is asked for, which takes a microsecond or two. */
export function placeOf(below: unknown): Place {
  const errors = Error as V8Error;
  if (errors.captureStackTrace === undefined) return undefined;
  const limit = errors.stackTraceLimit;
  const holder: Place = {};
  try {
    errors.stackTraceLimit = 1;
    errors.captureStackTrace(holder, below);
  } finally {
    if (limit !== undefined) errors.stackTraceLimit = limit;
  }
  return holder;
}

/** A place as `file:line:column`; empty when it is not known. The platform writes its text now, which takes longer. */
export function siteOf(place: Place): string {
  return place === undefined ? "" : shared(lastIn(String(place.stack)));
}

/** `    at name (place)` or `    at place`, the last line: its place, relative to the working directory. */
function lastIn(stack: string): string {
  const line = stack.lastIndexOf("\n    at ");
  if (line < 0) return "";
  const end = stack.endsWith(")") ? stack.length - 1 : stack.length;
  let start = end < stack.length ? stack.lastIndexOf("(") + 1 : line + "\n    at ".length;
  if (stack.startsWith("file://", start)) start += "file://".length;
  const directory = workingDirectory();
  if (directory !== "/" && stack.startsWith(directory, start)) start += directory.length;
  return stack.slice(start, end);
}

function workingDirectory(): string {
  const { process } = globalThis as { process?: { cwd?: () => string } };
  return `${process?.cwd?.() ?? ""}/`;
}

let latest = "";

/** Rules made in a loop have one site: one string is enough for them. */
function shared(site: string): string {
  if (site !== latest) latest = site;
  return latest;
}
