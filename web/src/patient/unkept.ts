import type { Keep } from "../core/worker/store.ts";
import type { Unkept, UnkeptChat, UnkeptDraft, UnkeptMessage } from "./model/unkept.ts";

type Value = Omit<UnkeptMessage, "blob"> | UnkeptChat | UnkeptDraft;
const chatKey = "chat";
const draftKey = "draft";
const messagePrefix = "message/";

const keeps = (): Promise<typeof import("../core/worker/store.ts")> => import("../core/worker/store.ts");

// Bytes within what is written as JSON.
const pack = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? { bytes: [...value] } : value);
const unpack = (_: string, value: unknown): unknown => {
  const bytes = (value as { bytes?: unknown } | null)?.bytes;
  return Array.isArray(bytes) ? Uint8Array.from(bytes as number[]) : value;
};

/** The length of the value, the value, and a file after it. */
async function write(value: Value, file = new Blob()): Promise<Uint8Array> {
  const text = new TextEncoder().encode(JSON.stringify(value, pack));
  const bytes = new Uint8Array(4 + text.length + file.size);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, 4);
  bytes.set(new Uint8Array(await file.arrayBuffer()), 4 + text.length);
  return bytes;
}

function read<T extends Value>(bytes: Uint8Array): { value: T; file: Blob } {
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { value: JSON.parse(new TextDecoder().decode(bytes.subarray(4, end)), unpack) as T, file: new Blob([bytes.slice(end)]) };
}

/** Deletes the core's own. */
export const eraseCore = async (slug: string): Promise<void> => (await keeps()).deleteStore(`sotto-patient-${slug}`);

/** In the browser's storage, as the core keeps its own; in a database apart, which the core knows nothing of. */
export class BrowserUnkept implements Unkept {
  private readonly name: string;
  private opening: Promise<Keep> | undefined;

  constructor(slug: string) {
    this.name = `sotto-unkept-${slug}`;
  }

  /** Lets it load, so that it is there when it is needed, also without a network. */
  prepare(): void {
    keeps().catch(() => undefined);
  }

  async read(): ReturnType<Unkept["read"]> {
    // Most have nothing here: they should not pay for asking.
    const there = await indexedDB.databases?.();
    if (there && !there.some(({ name }) => name === this.name)) return { messages: [] };
    const keep = await this.open();
    const get = async <T extends Value>(key: string): Promise<{ value: T; file: Blob } | undefined> => {
      const bytes = await keep.get(key);
      return bytes && read<T>(bytes);
    };
    const [chat, draft, keys] = await Promise.all([get<UnkeptChat>(chatKey), get<UnkeptDraft>(draftKey), keep.keys(messagePrefix)]);
    const messages = await Promise.all(keys.map((key) => get<Omit<UnkeptMessage, "blob">>(key)));
    return {
      messages: messages.flatMap((message) => (message ? { ...message.value, ...(message.value.body.kind === "file" ? { blob: message.file } : {}) } : [])),
      ...(chat ? { chat: chat.value } : {}),
      ...(draft ? { draft: draft.value } : {}),
    };
  }

  async putMessage({ blob, ...message }: UnkeptMessage, draftToo: boolean): Promise<void> {
    await this.apply(messagePrefix + message.name, await write(message, blob), draftToo ? [draftKey] : []);
  }

  async dropMessage(name: string): Promise<void> {
    await this.apply(messagePrefix + name);
  }

  async putChat(chat: UnkeptChat): Promise<void> {
    await this.apply(chatKey, await write(chat));
  }

  async dropChat(): Promise<void> {
    await this.apply(chatKey);
  }

  async putDraft(draft: UnkeptDraft | undefined): Promise<void> {
    await this.apply(draftKey, draft && (await write(draft)));
  }

  async forget(): Promise<void> {
    this.opening = undefined;
    await (await keeps()).deleteStore(this.name);
  }

  private async apply(key: string, bytes?: Uint8Array, deletes: readonly string[] = []): Promise<void> {
    const keep = await this.open();
    await (bytes ? keep.apply([[key, bytes]], deletes) : keep.apply([], [key]));
  }

  // One tab at a time, or each would make keys of its own.
  private open(): Promise<Keep> {
    this.opening ??= (async () => {
      const { openKeep } = await keeps();
      return navigator.locks.request(this.name, () => openKeep(this.name));
    })().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }
}
