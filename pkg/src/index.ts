/// <reference lib="esnext.disposable" preserve="true" />
/**
 * mockwire: a mock transport for tests. It stands where the network would, and answers.
 *
 * Start with {@link MockTransport}. `when` has the conditions that rules are made of, `reply` the
 * replies, and `errors.ts` tells what can go wrong.
 *
 * @packageDocumentation
 */

export type { RuleBuilder } from "./builder.js";
export type { Times } from "./times.js";
export type { CapturedRequest } from "./captured.js";
export type { Timing } from "./clock.js";
export type { Condition, TextTest } from "./conditions.js";
export * as when from "./conditions.js";
export {
  AlreadyInstalledError,
  type Check,
  ConnectionRateError,
  type Diagnosis,
  DisposedError,
  HandlerError,
  InvalidArgumentError,
  InvalidReplyError,
  InvalidRequestError,
  InvalidRuleError,
  MockwireError,
  type NearMiss,
  QueueFullError,
  SequenceExhaustedError,
  SocketError,
  StaleHandleError,
  UnmatchedRequestError,
  VerificationError,
  WaitTimeoutError,
} from "./errors.js";
export type { Outcome } from "./exchange.js";
export type { Chaos } from "./faults/chaos.js";
export type { Damage } from "./faults/damage.js";
export type { Outage } from "./faults/hosts.js";
export type { Filter } from "./filter.js";
export type { HeadersInput } from "./headers.js";
export type { Concurrency, ConcurrencyOptions, KeyConcurrency, Priority } from "./limits/concurrency.js";
export type { PermitEvent, PermitEvents } from "./limits/permit-events.js";
export type { RateCount, RateLimit } from "./limits/rate-limit.js";
export type { MockTransportOptions } from "./options.js";
export type { Pending } from "./pending.js";
export type { PathParams } from "./path-params.js";
export type { ErrorCode } from "./reply/failure.js";
export type { ExchangeFacts } from "./reply/from-exchange.js";
export type { Json, Replyable, ReplyBody } from "./reply/from.js";
export type { Handler, HandlerContext } from "./reply/handler.js";
export type { ReplyInit } from "./reply/head.js";
export type { Held, HeldRequest } from "./reply/held.js";
export * as reply from "./reply/index.js";
export type { Upstream } from "./reply/passthrough.js";
export type { Reply } from "./reply/reply.js";
export type { Pause } from "./reply/lines.js";
export type { Fault, Pace, Script, ServerSentEvent, Step } from "./reply/script.js";
export type { Chunk, Chunks, Source, StreamInit } from "./reply/stream.js";
export type { Rule } from "./rule.js";
export type { SequenceEnd } from "./rules.js";
export type { Scope } from "./scope.js";
export type { ProtocolChoice, SocketHandler } from "./socket/accept.js";
export type { SocketRuleBuilder } from "./socket/builder.js";
export type { SocketEnd } from "./socket/connection.js";
export type { ConnectionContext, ConnectionIdentity, ConnectionRate, Identify } from "./socket/context.js";
export type { Endpoint } from "./socket/endpoint.js";
export type { SocketCloseEvent, SocketErrorEvent, SocketEventMap, SocketMessageEvent } from "./socket/events.js";
export type { MessageFilter } from "./socket/filter.js";
export type { MessageType, SocketData, SocketMessage } from "./socket/message.js";
export type { WebSocketOptions } from "./socket/opening.js";
export type { MessagePattern, SocketFault, SocketPayload, SocketScript, SocketStep } from "./socket/script.js";
export type { ServerSocket } from "./socket/server-socket.js";
export type { MockWebSocket, MockWebSocketClass, SocketListener } from "./socket/websocket.js";
export { State } from "./state.js";
export type { Target, UrlPatternLike } from "./target.js";
export type {
  Timeline,
  TimelineBody,
  TimelineEnd,
  TimelineEntry,
  TimelineOptions,
  TimelineOutage,
} from "./timeline/value.js";
export { MockTransport } from "./transport.js";
export type { VerifyOptions } from "./verify.js";
