/** What sessions are sent, and what they answer. */

/** What was sent to a session. */
export interface SessionMessage<Content = any> {
  /** The id that its sender gave it. */
  readonly id: string | undefined;
  readonly content: Content;
}

/** What a session has answered to a message. */
export interface Answer {
  /** The pieces of it, in order. */
  readonly output: readonly string[];
  /** All pieces together. */
  readonly text: string;
  /** Whether there would have been more, had a later message not pre-empted it. */
  readonly isPartial: boolean;
}
