/** The types of the CommonJS build. */

import mockwire = require("mockwire");
import cache = require("mockwire/cache");

const transport: mockwire.MockTransport = new mockwire.MockTransport();
transport.get("/users/:id").reply((request) => ({ id: request.params.id }));
const numbers = new cache.Cache<number>(transport);
const one: number | undefined = numbers.get("one");

export = { transport, one };
