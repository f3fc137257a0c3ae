declare module "virtual:words/launcher" {
  const words: Record<string, Record<string, string>>;
  export default words;
}

declare module "virtual:words/*" {
  import type { Compiled } from "./ui/message.ts";
  const messages: Readonly<Record<string, Compiled>>;
  export default messages;
}

declare module "virtual:catalogue/*" {
  import type { Catalogues } from "./ui/words.svelte.ts";
  const catalogues: Catalogues;
  export default catalogues;
}
