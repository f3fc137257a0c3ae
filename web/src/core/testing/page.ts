// Puts the core and its parts within reach of a test in a real browser.

import { connectCore } from "../page/handle.ts";
import { newConversationId, newMessageName } from "../shared/names.ts";
import type { CoreEvent } from "../shared/protocol.ts";
import { Events } from "../worker/events.ts";
import { Http } from "../worker/http.ts";
import { signerOf } from "../worker/signer.ts";
import { deleteStore, memoryKeep, openKeep } from "../worker/store.ts";
import { Tabs } from "../worker/tabs.ts";

const within = { newConversationId, newMessageName, connectCore, deleteStore, Events, Http, memoryKeep, openKeep, signerOf, Tabs, events: [] as CoreEvent[] };

export type Within = typeof within;

declare global {
  interface Window {
    within: Within;
  }
}

window.within = within;
