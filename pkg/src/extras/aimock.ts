/**
 * Fixtures that were written for aimock (https://github.com/CopilotKit/aimock), answered by every provider.
 *
 * @example
 * const transport = new MockTransport();
 * Fixtures.parse(readFileSync("fixtures/chat.json", "utf8")).register(transport);
 *
 * @packageDocumentation
 */

import type { FixturesMachine } from "mockwire-extras";
import {
  type CapturedRequest,
  InvalidArgumentError,
  MockwireError,
  type MockTransport,
  reply,
  type Rule,
  when,
} from "../index.js";
import { named } from "../named.js";
import { shown } from "../words.js";
import { checksOf } from "./checks.js";
import { machines } from "./machines.js";
import type { AnswerJson } from "./providers/answer.js";
import { ModelApi } from "./providers/model-api.js";

/** Something in a file of aimock that is not understood here. */
export interface Unsupported {
  /** The fixture, from 1; 0 for the file. */
  readonly fixture: number;
  /** Which member of it: `match.inputText`. Empty for all of it. */
  readonly member: string;
  /** What is wrong with it, or what to do instead. */
  readonly reason: string;
}

/** What of a file of aimock is not understood here: everything, by name. */
export class UnsupportedFixturesError extends MockwireError {
  static {
    named(this, "UnsupportedFixturesError");
  }

  /** What is not understood, in the order of the file. */
  readonly unsupported: readonly Unsupported[];
  /** The fixtures of which everything is understood. */
  readonly supported: Fixtures;

  constructor(message: string, unsupported: readonly Unsupported[], supported: Fixtures) {
    super("MOCKWIRE_INVALID_JSON", message);
    this.unsupported = unsupported;
    this.supported = supported;
  }
}

/** As the machine numbers them. */
const APIS = ["Messages", "ChatCompletions", "Responses", "GenerateContent"].map((name) => new ModelApi(name));

/**
 * The fixtures of a file of aimock: `{"fixtures": [{"match": {..}, "response": {..}}]}`. Which members are
 * understood, the crate's `providers::aimock` says.
 */
export class Fixtures {
  readonly #machine: FixturesMachine;
  /** The request that the machine is asked about. */
  #latest: WeakRef<CapturedRequest> | undefined;

  /** @internal */
  constructor(machine: FixturesMachine) {
    this.#machine = machine;
  }

  /** The fixtures that a text is. Throws an `UnsupportedFixturesError` with all that is not understood. */
  static parse(text: string): Fixtures {
    if (typeof text !== "string") {
      throw new InvalidArgumentError(`Fixtures.parse() takes the text of a file, not ${shown(text)}`);
    }
    const machine = new (machines().FixturesMachine)(text);
    const fixtures = new Fixtures(machine);
    const { report } = machine;
    if (report === undefined) return fixtures;
    const told = machine.unsupported as string[];
    const unsupported: Unsupported[] = [];
    for (let at = 0; at < told.length; at += 3) {
      unsupported.push({ fixture: Number(told[at]), member: told[at + 1]!, reason: told[at + 2]! });
    }
    throw new UnsupportedFixturesError(report, unsupported, fixtures);
  }

  /** How many there are. */
  get length(): number {
    return this.#machine.length;
  }

  /**
   * Makes each of them a rule, in order: the first that matches answers, in the words of the provider that is
   * asked. They need not be asked for: `verify()` is content.
   */
  register(transport: Pick<MockTransport, "post">): Rule[] {
    if (typeof transport?.post !== "function") {
      throw new InvalidArgumentError(`register() takes a transport, not ${shown(transport)}`);
    }
    return Array.from({ length: this.length }, (_, number) => this.#rule(transport, number));
  }

  #rule(transport: Pick<MockTransport, "post">, number: number): Rule {
    const machine = this.#machine;
    const asked = when.custom(
      machine.label(number),
      (request) => this.#about(request).test(number),
      (request) => checksOf(this.#about(request).explain(number) as string[]),
    );
    const answer = JSON.parse(machine.answer(number)) as AnswerJson;
    const replies = APIS.map((api) => api.reply(answer));
    const context = machine.context(number);
    let rule = transport.post().calledBy(this.register).matching(asked).times({ min: 0, ...(machine.isSequenced(number) && { max: 1 }) });
    if (context !== undefined) rule = rule.header("x-aimock-context", context);
    return rule.reply(reply.fromExchange(({ request }) => replies[this.#about(request).api()]!));
  }

  /** The machine, asked about this request: it reads each once, for all fixtures. */
  #about(request: CapturedRequest): FixturesMachine {
    if (this.#latest?.deref() !== request) {
      this.#machine.take(request.method, request.url, request.text());
      this.#latest = new WeakRef(request);
    }
    return this.#machine;
  }
}
