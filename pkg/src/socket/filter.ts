/** Which messages are meant. */

import { copyOf, isBytes } from "../bytes.js";
import { InvalidArgumentError, shown } from "../errors.js";
import type { SocketMessage } from "./message.js";

/**
 * A text that a client sent, a pattern found in one, bytes that one sent, or a function that is asked
 * about every frame of both sides. Without one: every message of a client.
 */
export type MessageFilter = string | RegExp | ArrayBuffer | ArrayBufferView | ((message: SocketMessage) => unknown);

export function testOf(filter: MessageFilter | undefined): (message: SocketMessage) => boolean {
  if (typeof filter === "function") return (message) => Boolean(filter(message));
  if (filter === undefined) {
    return ({ from, type }) => from === "client" && (type === "text" || type === "binary");
  }
  if (typeof filter === "string") return (message) => isText(message) && message.text() === filter;
  if (filter instanceof RegExp) {
    const pattern = new RegExp(filter.source, filter.flags.replace(/[gy]/g, ""));
    return (message) => isText(message) && pattern.test(message.text());
  }
  if (isBytes(filter)) {
    const expected = copyOf(filter);
    return (message) => message.from === "client" && message.type === "binary" && areEqual(message.bytes(), expected);
  }
  throw new InvalidArgumentError(`a message is meant by text, bytes, a RegExp or a function, not ${shown(filter)}`);
}

/** What the filter is called in messages. */
export function nameOf(filter: MessageFilter | undefined): string {
  if (filter === undefined) return "a message of a client";
  if (typeof filter === "string") return `the message ${shown(filter)}`;
  if (filter instanceof RegExp) return `a message with ${filter}`;
  if (typeof filter === "function") return filter.name === "" ? "a message that the function accepts" : `${filter.name}()`;
  return `a message of ${filter.byteLength} bytes`;
}

function isText({ from, type }: SocketMessage): boolean {
  return from === "client" && type === "text";
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
