/** Text and bytes. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const NO_BYTES = new Uint8Array(0);

/** UTF-8, with lone surrogates replaced, as the platform sends text. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return text === "" ? NO_BYTES : encoder.encode(text);
}

/** The text of UTF-8 bytes, without a byte order mark, as the platform reads it. */
export function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** One character for each byte: how bytes cross to the engine inside JSON. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Base64 with padding (RFC 4648 §4). */
export function base64(bytes: Uint8Array): string {
  return btoa(latin1(bytes));
}

export function isBytes(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || isArrayBuffer(value);
}

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  // By tag, not by class: a buffer may come from another realm (Jest, an iframe).
  return Object.prototype.toString.call(value) === "[object ArrayBuffer]";
}

/** A copy, so that what happens to the original changes nothing. */
export function copyOf(value: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  return new Uint8Array(value).slice();
}
