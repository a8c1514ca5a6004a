import { MockTransport } from "mockwire";
import OpenAI from "openai";
import { describe, test, vi } from "vitest";
import suite from "./suite.cjs";

const fakeTimers = {
  hasClock: true,
  install: () => vi.useFakeTimers(),
  uninstall: () => vi.useRealTimers(),
  advance: (milliseconds) => vi.advanceTimersByTimeAsync(milliseconds),
};

suite({ describe, test, fakeTimers, MockTransport, OpenAI });

describe("fake timers that leave the platform's clock alone", () => {
  const toFake = ["setTimeout", "clearTimeout", "Date"];
  const some = { ...fakeTimers, hasClock: false, install: () => vi.useFakeTimers({ toFake }) };
  suite({ describe, test, fakeTimers: some, MockTransport, OpenAI });
});
