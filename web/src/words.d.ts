declare module "virtual:words/launcher" {
  const words: Record<string, Record<string, string>>;
  export default words;
}

declare module "virtual:words/*" {
  import type { Messages } from "@lingui/core";
  const messages: Messages;
  export default messages;
}
