/** Where a rule was registered, for messages. */

interface V8Error {
  stackTraceLimit?: number;
  captureStackTrace?: (target: object, below: unknown) => void;
}

const WHERE = /\(?((?:file:\/\/|\/|[A-Za-z]:\\|https?:\/\/|\S*:)\S*:\d+:\d+)\)?$/;

/**
 * The caller of the public function `below`, as `file:line:column`; empty where the platform cannot
 * tell. One frame is asked for, which takes about two microseconds.
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
  const where = WHERE.exec(String(holder.stack))?.[1] ?? "";
  return relative(where.startsWith("file://") ? where.slice("file://".length) : where);
}

/** Relative to the working directory, where there is one: short, and terminals can open it. */
function relative(path: string): string {
  const { process } = globalThis as { process?: { cwd?: () => string } };
  const directory = `${process?.cwd?.() ?? ""}/`;
  return directory.length > 1 && path.startsWith(directory) ? path.slice(directory.length) : path;
}
