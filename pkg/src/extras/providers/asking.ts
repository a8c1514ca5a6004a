/** The words for what is asked of a conversation. */

import type { Role } from "./conversation.js";

/** What can be read off a conversation. The machine knows these words. */
export type Fact =
  | "hasAssistantTurn"
  | "hasToolResults"
  | "hasTools"
  | "lastUserMessage"
  | "messageCount"
  | "model"
  | "stream"
  | "system"
  | "text"
  | "turn"
  | { readonly calledTool: string }
  | { readonly hasRole: Role }
  | { readonly nthMessage: number }
  | { readonly tool: string }
  | { readonly toolResult: string }
  | { readonly toolResultJson: string };

/** What it is to be. */
export type Is = { readonly containing: string } | { readonly equal: unknown } | { readonly there: boolean };

/** One thing that is asked. */
export type Ask = { readonly of: Fact } & Is;

/**
 * Conditions on a conversation, all of which must hold. They look at the request alone, which carries the
 * history: no state, so that requests may come in any order, be retried, and belong to many conversations at
 * once.
 */
export abstract class Asking<Asked> {
  /** Asks one thing more. @internal */
  protected abstract ask(of: Fact, is: Is): Asked;

  /** The user has said exactly this, and nothing has come since: neither the model nor a tool. */
  lastUserMessage(text: string): Asked {
    return this.ask("lastUserMessage", { equal: text });
  }

  /** The user has said something with this in it, and nothing has come since. */
  lastUserMessageContains(part: string): Asked {
    return this.ask("lastUserMessage", { containing: part });
  }

  /** The text of the message with this number, from 1, whoever says it. */
  nthMessage(number: number, text: string): Asked {
    return this.ask({ nthMessage: number }, { equal: text });
  }

  /** Somebody has said something with this in it, the application included. */
  textContains(part: string): Asked {
    return this.ask("text", { containing: part });
  }

  /** The application has said exactly this. */
  system(text: string): Asked {
    return this.ask("system", { equal: text });
  }

  /** The application has said something with this in it. */
  systemContains(part: string): Asked {
    return this.ask("system", { containing: part });
  }

  /** This model is asked. */
  model(model: string): Asked {
    return this.ask("model", { equal: model });
  }

  /** This tool has given something since the model's last message: by its name, or by the id of the call. */
  toolResult(idOrName: string): Asked {
    return this.ask({ toolResult: idOrName }, { there: true });
  }

  /** This tool has given a text with this in it since the model's last message. */
  toolResultContains(idOrName: string, part: string): Asked {
    return this.ask({ toolResult: idOrName }, { containing: part });
  }

  /** This tool has given exactly this since the model's last message: a text, or any other JSON. */
  toolResultIs(idOrName: string, content: unknown): Asked {
    const of = typeof content === "string" ? { toolResult: idOrName } : { toolResultJson: idOrName };
    return this.ask(of, { equal: content });
  }

  /** Whether any tool has given something since the model's last message. */
  hasToolResults(has = true): Asked {
    return this.ask("hasToolResults", { equal: has });
  }

  /**
   * Somebody of this role has said something, in a message of its own or where else the provider has it: the
   * application in a `system` apart from the messages, a tool in a message of the user's.
   */
  hasRole(role: Role): Asked {
    return this.ask({ hasRole: role }, { there: true });
  }

  /**
   * Whether the model has answered before, this time or in what the provider remembers. What it is to go on
   * with, at the end, is no answer yet.
   */
  hasAssistantTurn(has = true): Asked {
    return this.ask("hasAssistantTurn", { equal: has });
  }

  /** The model has called this tool before, in any of its turns. */
  calledTool(name: string): Asked {
    return this.ask({ calledTool: name }, { there: true });
  }

  /** Whether the model may call tools. */
  hasTools(has = true): Asked {
    return this.ask("hasTools", { equal: has });
  }

  /** The model may call this tool. */
  offersTool(name: string): Asked {
    return this.ask({ tool: name }, { there: true });
  }

  /** It is this turn of the model, from 1; see the `turn` of `Conversation`. */
  turn(turn: number): Asked {
    return this.ask("turn", { equal: turn });
  }

  /** The request has so many messages. */
  messageCount(count: number): Asked {
    return this.ask("messageCount", { equal: count });
  }

  /** Whether a stream is asked for. */
  stream(stream = true): Asked {
    return this.ask("stream", { equal: stream });
  }
}
