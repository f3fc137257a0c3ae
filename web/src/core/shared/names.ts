// The page names what it hands to the core before it does, so that it can hand
// it in again when it does not hear the answer. Both names are random: nobody
// can guess one, and no two are alike.

import type { ConversationId, MessageName } from "./protocol.ts";

/** 128 bits, hexadecimal. */
export function newMessageName(): MessageName {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("") as MessageName;
}

/** 130 bits, in the letters of the hub's own ids. */
export function newConversationId(): ConversationId {
  return `c_${Array.from(crypto.getRandomValues(new Uint8Array(26)), (byte) => "abcdefghijklmnopqrstuvwxyz234567"[byte & 31]).join("")}` as ConversationId;
}
