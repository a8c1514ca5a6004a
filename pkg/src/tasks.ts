/** Tasks: each one in a turn of the event loop of its own, in the order in which they were queued. */

type Task = () => void;

interface Channel {
  readonly post: () => void;
  /** Keeps the process alive while there are tasks, where that has to be said. */
  readonly hold: () => void;
  readonly release: () => void;
}

let channel: Channel | undefined;
const tasks: Task[] = [];
let next = 0;

/**
 * Runs the task after everything that is due now, promises included: so do the events of a platform's
 * `WebSocket`. Without a timer, which tests like to replace.
 */
export function queueTask(task: Task): void {
  channel ??= openChannel();
  if (tasks.length === 0) channel.hold();
  tasks.push(task);
  channel.post();
}

function runNext(): void {
  const task = tasks[next]!;
  next += 1;
  if (next === tasks.length) {
    tasks.length = next = 0;
    channel?.release();
  }
  task();
}

function openChannel(): Channel {
  if (typeof MessageChannel !== "function") {
    // jsdom has none.
    const { setTimeout } = globalThis;
    return { post: () => void setTimeout(runNext, 0), hold: () => {}, release: () => {} };
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = runNext;
  const post = () => port2.postMessage(null);
  const { ref, unref } = port1 as { ref?: () => void; unref?: () => void };
  if (typeof ref === "function" && typeof unref === "function") {
    return { post, hold: () => ref.call(port1), release: () => unref.call(port1) };
  }
  const release = () => {
    port1.close();
    channel = undefined;
  };
  return { post, hold: () => {}, release };
}

/** How many tasks are queued. */
export function pendingTasks(): number {
  return tasks.length - next;
}
