import type { Account } from "../../src/staff/account.ts";

type Call = (method: string, path: string, body?: { readonly reason?: string }) => Promise<object>;

/** A server of a story: what it makes is asked for as anything is. */
export const answeredBy = (call: Call): Partial<Account> => ({ server: { call, make: (path: string, body?: object) => call("POST", path, body) } }) as unknown as Partial<Account>;
