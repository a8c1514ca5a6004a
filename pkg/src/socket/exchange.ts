/** The handshake of a WebSocket: a request like any other, until it is accepted. */

import { Address } from "../address.js";
import { base64, encode } from "../bytes.js";
import type { Core } from "../core.js";
import { Exchange } from "../exchange.js";
import type { HeaderList } from "../headers.js";
import { Trace } from "../trace.js";
import { codeOf, messageOf } from "../words.js";
import { SocketLog, type SocketMessage } from "./message.js";

/** What a client asks for. */
export interface Opening {
  readonly url: URL;
  readonly protocols: readonly string[];
  /** Besides those of every handshake. */
  readonly headers: HeaderList;
}

export class SocketExchange extends Exchange {
  /** The subprotocols that the client offers. */
  readonly offered: readonly string[];
  readonly log: SocketLog;

  constructor(core: Core, opening: Opening) {
    super(core, {
      address: new Address(withoutCredentials(opening.url)),
      method: "GET",
      headers: headersOf(opening),
      body: null,
      arriving: undefined,
      signal: undefined,
      redirect: "manual",
    });
    this.offered = opening.protocols;
    this.log = new SocketLog(core);
  }

  /** The server has failed when the connection was over: nobody but the journal is left to be told. */
  failLate(error: Error): void {
    this.outcome = "failed";
    this.error = messageOf(error);
    (this.trace ??= new Trace()).code = codeOf(error);
  }

  override get isSocket(): boolean {
    return true;
  }

  override get droppedMessages(): number {
    return this.log.dropped;
  }

  override get messages(): readonly SocketMessage[] {
    return this.log.all();
  }
}

function withoutCredentials(url: URL): string {
  if (url.username === "" && url.password === "") return url.href;
  const plain = new URL(url);
  plain.username = plain.password = "";
  return plain.href;
}

function headersOf({ url, protocols, headers }: Opening): HeaderList {
  const list = ["connection", "Upgrade", "upgrade", "websocket", "sec-websocket-version", "13"];
  if (protocols.length > 0) list.push("sec-websocket-protocol", protocols.join(", "));
  if (url.username !== "" || url.password !== "") {
    const credentials = encode(`${decoded(url.username)}:${decoded(url.password)}`);
    list.push("authorization", `Basic ${base64(credentials)}`);
  }
  return [...list, ...headers];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Nothing is escaped in it, though it looks so.
    return text;
  }
}
