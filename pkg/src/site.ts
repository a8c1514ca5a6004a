/** Where a rule was registered, for messages. */

interface V8Error {
  stackTraceLimit?: number;
  captureStackTrace?: (target: object, below: unknown) => void;
}

/**
 * The caller of the public function `below`, as `file:line:column`; empty where the platform cannot
 * tell. One frame is asked for, which takes a few microseconds.
 */
export function siteOf(below: unknown): string {
  const errors = Error as V8Error;
  if (errors.captureStackTrace === undefined) return "";
  const limit = errors.stackTraceLimit;
  const holder: { stack?: unknown } = {};
  try {
    errors.stackTraceLimit = 1;
    errors.captureStackTrace(holder, below);
  } finally {
    if (limit !== undefined) errors.stackTraceLimit = limit;
  }
  return shared(placeIn(String(holder.stack)));
}

/** `    at name (place)` or `    at place`, the last line: its place, relative to the working directory. */
function placeIn(stack: string): string {
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
