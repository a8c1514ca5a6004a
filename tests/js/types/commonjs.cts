/** The types of the CommonJS build. */

import mockwire = require("mockwire");
import cache = require("mockwire/cache");
import providers = require("mockwire/providers");

const transport: mockwire.MockTransport = new mockwire.MockTransport();
transport.get("/users/:id").reply((request) => ({ id: request.params.id }));
const numbers = new cache.Cache<number>(transport);
const one: number | undefined = numbers.get("one");

const rule: mockwire.Rule = providers.anthropic.messages(transport).reply(providers.Answer.text("Hello"));

export = { transport, one, rule };
