// The screens after the first, which load while that one is read.

import "../../ui/laterIcons.ts";

export { default as IdleDialog } from "../../ui/IdleDialog.svelte";
export { default as AboutYou } from "./AboutYou.svelte";
export { default as Consent } from "./Consent.svelte";
export { default as Message } from "./Message.svelte";
export { default as LeaveMessage } from "./LeaveMessage.svelte";
