/** Names of error classes. */

/**
 * Gives the errors of a class their name: on the prototype, so that it is in the stack trace and survives
 * minifiers, yet is no own property.
 */
export function named(type: { prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true, writable: true });
}
