/** Signals, whichever realm or library they come from. */

export function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}

/** Throws the signal's reason when it has aborted. */
export function assertWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw signal.reason;
}
