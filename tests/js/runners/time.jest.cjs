const { MockTransport } = require("mockwire");
const { default: OpenAI } = require("openai");
const suite = require("./suite.cjs");

const fakeTimers = {
  hasClock: true,
  install: () => jest.useFakeTimers(),
  uninstall: () => jest.useRealTimers(),
  advance: (milliseconds) => jest.advanceTimersByTimeAsync(milliseconds),
};

suite({ describe, test, fakeTimers, MockTransport, OpenAI });
