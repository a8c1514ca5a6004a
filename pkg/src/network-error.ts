/**
 * What `fetch` rejects with when the connection fails: errors like those of Node 20, whose `cause` says
 * which failure it was. Clients look at `cause.code`.
 */

import type { Address } from "./address.js";

/** Rejects the call: there is no response. */
export function networkError(code: string, to?: Address, message?: string): TypeError {
  return new TypeError("fetch failed", { cause: causeOf(code, to, message) });
}

/** Ends a body in the middle. */
export function terminated(code: string, to?: Address): TypeError {
  return new TypeError("terminated", { cause: causeOf(code, to, undefined, true) });
}

function causeOf(code: string, to: Address | undefined, message: string | undefined, isConnected = false): Error {
  const peer = to === undefined ? undefined : peerOf(to);
  const failure = FAILURES[code];
  if (typeof failure === "function") {
    const { text, ...more } = failure(peer);
    return Object.assign(new Error(message ?? text), { code, ...more });
  }
  if (failure === undefined) return Object.assign(new Error(message ?? code), { code });
  // Whoever is in the middle of a body has connected.
  const [errno, call] = failure;
  const syscall = isConnected && call === "connect" ? "read" : call;
  const [where, more] = whereOf(syscall, peer);
  return Object.assign(new Error(message ?? `${syscall} ${code}${where}`), { errno, code, syscall, ...more });
}

interface Peer {
  readonly host: string;
  readonly port: number;
}

function peerOf({ href }: Address): Peer {
  const { hostname, port, protocol } = new URL(href);
  const usual = protocol === "https:" || protocol === "wss:" ? 443 : 80;
  return { host: hostname, port: port === "" ? usual : Number(port) };
}

/** What a call of the system is told about, in words and as data. */
function whereOf(syscall: string, peer: Peer | undefined): [string, object] {
  if (peer === undefined) return ["", {}];
  if (syscall === "connect") return [` ${peer.host}:${peer.port}`, { address: peer.host, port: peer.port }];
  if (syscall === "getaddrinfo") return [` ${peer.host}`, { hostname: peer.host }];
  return ["", {}];
}

/** A failed call of the system: its number on Linux, and which call that was. */
type SystemFailure = readonly [errno: number, syscall: string];

/** A failure of the client's own: its words, and what else it has. */
type ClientFailure = (peer: Peer | undefined) => { readonly text: string; readonly [property: string | symbol]: unknown };

const plain = (text: string) => () => ({ text });

/** One of undici's errors: with its marks it is an instance of undici's own class, for whoever asks that. */
function ofUndici(name: string, mark: string, text: string): ReturnType<ClientFailure> {
  const marks = ["UND_ERR", mark].map((code) => [Symbol.for(`undici.error.${code}`), true]);
  return { name, text, ...Object.fromEntries(marks) };
}

const FAILURES: Readonly<Record<string, SystemFailure | ClientFailure>> = {
  EAI_AGAIN: [-3001, "getaddrinfo"],
  ECONNABORTED: [-103, "read"],
  ECONNREFUSED: [-111, "connect"],
  ECONNRESET: [-104, "read"],
  EHOSTUNREACH: [-113, "connect"],
  ENETUNREACH: [-101, "connect"],
  ENOTFOUND: [-3008, "getaddrinfo"],
  EPIPE: [-32, "write"],
  ETIMEDOUT: [-110, "connect"],

  CERT_HAS_EXPIRED: plain("certificate has expired"),
  DEPTH_ZERO_SELF_SIGNED_CERT: plain("self-signed certificate"),
  SELF_SIGNED_CERT_IN_CHAIN: plain("self-signed certificate in certificate chain"),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: plain("unable to verify the first certificate"),
  ERR_TLS_CERT_ALTNAME_INVALID: (peer) => {
    const host = peer?.host ?? "";
    const reason = `Host: ${host}. is not in the cert's altnames`;
    return { text: `Hostname/IP does not match certificate's altnames: ${reason}`, reason, host };
  },
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: () => {
    const reason = "sslv3 alert handshake failure";
    return { text: `SSL routines:ssl3_read_bytes:${reason}:SSL alert number 40`, library: "SSL routines", reason };
  },
  ERR_SSL_WRONG_VERSION_NUMBER: () => {
    const reason = "wrong version number";
    return { text: `SSL routines:ssl3_get_record:${reason}`, library: "SSL routines", reason };
  },

  HPE_INVALID_CONSTANT: () => ({
    name: "HTTPParserError",
    text: "Response does not match the HTTP/1.1 protocol (Expected HTTP/)",
    [Symbol.for("undici.error.UND_ERR_HTTP_PARSER")]: true,
  }),
  UND_ERR_BODY_TIMEOUT: () => ofUndici("BodyTimeoutError", "UND_ERR_BODY_TIMEOUT", "Body Timeout Error"),
  UND_ERR_CONNECT_TIMEOUT: (peer) => {
    const where = peer === undefined ? "" : ` (attempted address: ${peer.host}:${peer.port}, timeout: 10000ms)`;
    return ofUndici("ConnectTimeoutError", "UND_ERR_CONNECT_TIMEOUT", `Connect Timeout Error${where}`);
  },
  UND_ERR_HEADERS_TIMEOUT: () => ofUndici("HeadersTimeoutError", "UND_ERR_HEADERS_TIMEOUT", "Headers Timeout Error"),
  UND_ERR_SOCKET: () => ofUndici("SocketError", "UND_ERR_SOCKET", "other side closed"),
};
