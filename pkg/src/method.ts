/** Request methods, normalised and refused as `fetch` does it. */

import { InvalidRequestError } from "./errors.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The method to send. `patch` stays as it is: `fetch` changes the case of six methods only. */
export function methodOf(given: unknown): string {
  switch (given) {
    case undefined:
      return "GET";
    case "GET":
    case "POST":
    case "PUT":
    case "PATCH":
    case "DELETE":
    case "HEAD":
    case "OPTIONS":
      return given;
  }
  const method = String(given);
  if (!TOKEN.test(method)) {
    throw new InvalidRequestError("MOCKWIRE_INVALID_METHOD", `'${method}' is not a valid HTTP method.`);
  }
  const upper = method.toUpperCase();
  switch (upper) {
    case "GET":
    case "POST":
    case "PUT":
    case "DELETE":
    case "HEAD":
    case "OPTIONS":
      return upper;
    case "CONNECT":
    case "TRACE":
    case "TRACK":
      throw new InvalidRequestError("MOCKWIRE_INVALID_METHOD", `'${method}' HTTP method is unsupported.`);
  }
  return method;
}

/** The method that a rule or a filter means: `patch` is `PATCH` here, and others are as they were written. */
export function routedMethod(given: string): string {
  const method = methodOf(given);
  return method.toUpperCase() === "PATCH" ? "PATCH" : method;
}
