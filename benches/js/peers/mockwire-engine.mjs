// mockwire, where each test asks for what only the engine knows: so it is made, and compiled before the first.
import * as mockwire from "./mockwire.mjs";

export async function open() {
  const mock = await mockwire.open();
  const post = async () => {
    const reply = await mock.post();
    if (mock.find().length !== 1) throw new Error("the request was not found");
    return reply;
  };
  return { ...mock, post };
}
