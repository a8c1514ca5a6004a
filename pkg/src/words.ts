/** Values in the messages of errors. */

/** What a thrown value says for itself. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
}

/** The code of a thrown value: one of ours, or what clients look at, such as the `ECONNRESET` of its cause. */
export function codeOf(thrown: unknown): string | undefined {
  const { cause, code } = Object(thrown) as { readonly cause?: unknown; readonly code?: unknown };
  if (typeof code === "string" && code.startsWith("MOCKWIRE_")) return code;
  const found = (Object(cause) as { readonly code?: unknown }).code ?? code;
  return typeof found === "string" ? found : undefined;
}

/** What a value looks like in a message: short, and of which type. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 79)}…` : value);
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : `an object (${value.constructor?.name ?? "no prototype"})`;
}
