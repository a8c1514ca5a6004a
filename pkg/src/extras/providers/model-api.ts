/** What the providers have in common: which requests are theirs, how they are read, how they answer. */

import type { AnswerMachine } from "mockwire-extras";
import {
  type CapturedRequest,
  type Condition,
  type ExchangeFacts,
  InvalidArgumentError,
  type MockTransport,
  type Reply,
  reply,
  type Replyable,
  type Script,
  type Target,
  when,
} from "../../index.js";
import { shown } from "../../words.js";
import { checksOf } from "../checks.js";
import { machines } from "../machines.js";
import { Answer, type Answerable } from "./answer.js";
import { type Conversation, conversationOf } from "./conversation.js";
import { Prompt, type PromptLike } from "./prompt.js";
import { asked, told, written } from "./request.js";
import { WhenPrompted } from "./when-prompted.js";

/** Whatever rules begin at: a transport, or a scope of one. */
export type RuleMaker = Pick<MockTransport, "post">;

/** The API of a provider of models. */
export class ModelApi {
  /** What the machine knows it as. @internal */
  readonly name: string;

  /** @internal */
  constructor(name: string) {
    this.name = name;
  }

  /** Begins a rule for the requests to it, at any host: conditions on the conversation, then the answer. */
  on(transport: RuleMaker): WhenPrompted {
    const post = posting(transport);
    return new WhenPrompted(this, () => post(told(() => machines().PromptMachine.target(this.name))), false);
  }

  /** Begins a rule for the requests to another target: a proxy, a gateway. */
  at(transport: RuleMaker, target: Target): WhenPrompted {
    const post = posting(transport);
    return new WhenPrompted(this, () => post(target), true);
  }

  /**
   * What the model says, as a reply: for sequences of other replies, for requests that are held, for handlers.
   * What is written for a request is kept, but for ids and dates, for the next one like it.
   */
  reply(answer: Answerable): Reply {
    const machine = told(() => new (machines().AnswerMachine)(this.name, written(Answer.from(answer))));
    return reply.fromExchange((exchange) => made(machine, exchange));
  }

  /** What a captured request asks of the model. Throws an `InvalidArgumentError` when its body is no JSON. */
  conversation(request: CapturedRequest<any, any>): Conversation {
    return conversationOf(this.name, request);
  }

  /** That a request asks this, as a condition: for filters of captured requests, for other rules. */
  condition(prompt: PromptLike): Condition {
    return this.asking(Prompt.from(prompt), true) ?? when.all();
  }

  /** What is asked of a request besides its target; `undefined` when that is nothing. @internal */
  asking(prompt: Prompt, atOwnTarget: boolean): Condition | undefined {
    const machine = told(() => new (machines().PromptMachine)(this.name, written(prompt), atOwnTarget));
    if (machine.isEmpty) return undefined;
    return when.custom(
      machine.label,
      (request) => told(() => machine.test(asked(request))),
      (request) => checksOf(told(() => machine.explain(asked(request))) as string[]),
    );
  }
}

function posting(transport: RuleMaker): RuleMaker["post"] {
  if (typeof transport?.post === "function") return transport.post.bind(transport);
  throw new InvalidArgumentError(`a rule for a model begins at a transport, not at ${shown(transport)}`);
}

/** The reply that the machine makes of an exchange. */
function made(machine: AnswerMachine, { request, at, date, seed, retryAfter = NaN }: ExchangeFacts): Replyable {
  const [status, fields, delay, kind, content] = told(() =>
    machine.reply(asked(request), request.sequence, at, date - at, seed, retryAfter),
  ) as [status: number, fields: string[], delay: number, kind: "text" | "frames" | "script", content: unknown];
  const headers = fields.flatMap((name, place) => (place % 2 === 0 ? [[name, fields[place + 1]!] as [string, string]] : []));
  const init = { status, headers, delay };
  switch (kind) {
    case "text":
      return reply.text(content as string, init);
    case "frames":
      return reply.stream(content as Uint8Array[], init);
    case "script":
      return reply.script(JSON.parse(content as string) as Script, init);
  }
}
