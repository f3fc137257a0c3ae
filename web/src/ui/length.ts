// How much one message may hold.

/** Bytes of UTF-8, as the core has it (internal/content, MaxText). */
const most = 32 * 1024;

/** Whether a text is too long for one message: so it is not cut off unseen, but said. */
export function tooLong(text: string): boolean {
  return text.length > most || (text.length * 3 > most && new TextEncoder().encode(text).length > most);
}
