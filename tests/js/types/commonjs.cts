/** The types of the CommonJS build. */

import mockwire = require("mockwire");

const transport: mockwire.MockTransport = new mockwire.MockTransport();
transport.get("/users/:id").reply((request) => ({ id: request.params.id }));

export = transport;
