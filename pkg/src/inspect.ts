/** How Node prints objects. Others ignore it. */

/** The method that `util.inspect` and `console.log` call. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** `Symbol.dispose`, also where the platform does not have it yet. */
export const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? (Symbol.for("Symbol.dispose") as never);
