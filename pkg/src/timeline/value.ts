/** What has happened on a transport, and when, as a value. */

import type { MessageType } from "../socket/message.js";

/**
 * What has happened on a transport, and when. JSON, the same that the Rust crate writes: times are
 * milliseconds of the transport's time, and what is zero, empty or has not happened is left out. Secrets
 * are redacted.
 */
export interface Timeline {
  /** Which date the transport's time begins at: milliseconds since 1970. */
  readonly epoch: number;
  /** When the timeline was told: what has not ended by then goes on. */
  readonly now: number;
  /** One for each request, in the order of their arrival. */
  readonly entries: readonly TimelineEntry[];
  /** When hosts were down, in the order of their beginning. */
  readonly outages: readonly TimelineOutage[];
  /** How many entries had to go because the journal was full. */
  readonly droppedEntries?: number;
  /** How many outages had to go: of those that are over, the last 1,024 are kept. */
  readonly droppedOutages?: number;
}

/** The life of one exchange: from its request to its end. */
export interface TimelineEntry {
  /** The number of the request on its transport, from 1. */
  readonly sequence: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
    /** How many bytes the body has. */
    readonly bytes?: number;
    /** Tells bodies apart: their FNV-1a hash of 32 bits, in hexadecimal. */
    readonly digest?: string;
    /** The body; only where it was asked for. */
    readonly body?: TimelineBody;
  };
  /** When it arrived. */
  readonly received: number;
  /** Where it had to wait for a limit on concurrency, and when it was admitted. */
  readonly queued?: { readonly limit: "total" | { readonly key: string }; readonly acquired?: number };
  /** When a rule was found, what it asks for, and where it was registered. */
  readonly matched?: { readonly at: number; readonly rule: string; readonly site: string };
  /** Which rate limit has refused it, in words. */
  readonly refused?: string;
  /** When the client got the head of the response; of a WebSocket, when it opened. */
  readonly head?: {
    readonly at: number;
    readonly status: number;
    readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  };
  /**
   * What the client has taken of the body. The frames of a stream with times of its own are told one by
   * one; those of any other body at its end, when the last one was taken.
   */
  readonly frames?: ReadonlyArray<{ readonly at: number; readonly bytes: number }>;
  /** How many frames more there were: of those with times of their own, the first 1,024 are kept. */
  readonly droppedFrames?: number;
  /** How many bytes of the body the client has taken. */
  readonly bytes?: number;
  /** The body, if it is known as a whole; only where it was asked for. */
  readonly body?: TimelineBody;
  /** What both ends have said on the WebSocket connection that the request has opened. */
  readonly messages?: ReadonlyArray<{
    readonly at: number;
    readonly from: "client" | "server";
    readonly kind: MessageType;
    readonly bytes?: number;
    readonly body?: TimelineBody;
  }>;
  /** How many messages had to go because there were more than are kept. */
  readonly droppedMessages?: number;
  /** How it ended; `undefined` when it goes on. */
  readonly end?: TimelineEnd;
}

/** How an exchange ended. */
export interface TimelineEnd {
  readonly at: number;
  readonly outcome: "cancelled" | "done" | "failed" | "unmatched";
  /** What made it end early. */
  readonly cause?: "client" | "fault" | "handler" | "killed" | "outage" | "queueFull" | "transport";
  /** The name of the failure. */
  readonly code?: string;
  /** The failure in words, where the code does not say it all. */
  readonly message?: string;
}

/** A body: text, or bytes in base64. */
export type TimelineBody = { readonly text: string } | { readonly base64: string };

/** A time in which a host was down. */
export interface TimelineOutage {
  /** The host, in lower case. */
  readonly host: string;
  readonly from: number;
  /** When it was back; `undefined` when it is down still. */
  readonly until?: number;
  /** Whether it was killed, with what was going on there. */
  readonly killed?: true;
  /** What requests meet meanwhile. */
  readonly code: string;
  /** When a client first got an answer of the host again. */
  readonly answered?: number;
}

/** What a timeline has besides. */
export interface TimelineOptions {
  /** The bodies of requests and responses, as far as they are known. They are not searched for secrets. */
  readonly bodies?: boolean;
}
