/** The names that a path captures, read by the type checker from the path itself. */

/** `PathParams<"/users/:id/{x}">` is `{ id: string; x: string }`. */
export type PathParams<Target> = Target extends string
  ? string extends Target
    ? Record<string, string>
    : { readonly [Name in Names<WithoutQuery<PathOf<Target>>>]: string }
  : Record<string, string>;

type PathOf<Text extends string> = Text extends `${string}://${infer Rest}`
  ? Rest extends `${string}/${infer Path}`
    ? `/${Path}`
    : "/"
  : Text;

type WithoutQuery<Text extends string> = Text extends `${infer Path}?${string}` ? Path : Text;

type Names<Path extends string> = Path extends `${infer Segment}/${infer Rest}`
  ? Name<Segment> | Names<Rest>
  : Name<Path>;

type Name<Segment extends string> = Segment extends `:${infer Capture}`
  ? Capture
  : Segment extends `${string}{${infer Capture}}${string}`
    ? Capture
    : never;
