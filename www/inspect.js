/** What somebody prints, in words. */

/** A text as it is; bytes, errors and everything else as JSON or nearly. */
export function inWords(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return String(value);
  return written(value);
}

function written(value) {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} [${value}]`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    const short = JSON.stringify(value, plain);
    const text = short.length > 72 ? JSON.stringify(value, plain, 2) : short;
    return text.replace(/"([A-Za-z_$][\w$]*)":/g, "$1: ");
  } catch {
    return String(value);
  }
}

/** What JSON has no form for. */
function plain(_key, value) {
  if (value === undefined || typeof value === "bigint" || typeof value === "function") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return value instanceof Error ? String(value) : value;
}
