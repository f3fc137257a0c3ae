// Where a device keeps its state. Values are sealed before they reach the disk,
// under a key that WebCrypto will use and never give out, and each is bound to
// its name, so that a copied database is of no use elsewhere and two values
// cannot be swapped. What is applied together is there together or not at all,
// and on the disk before apply resolves.

import { CoreError } from "../shared/failure.ts";
import type { StartOptions } from "../shared/protocol.ts";
import { makeKeyPair } from "./signer.ts";

export interface Keep {
  readonly keeping: "saved" | "memory";
  readonly signingKeys: CryptoKeyPair;
  /** Undefined if there is no such value. */
  get(key: string): Promise<Uint8Array | undefined>;
  apply(puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[]): Promise<void>;
  /** In ascending order. */
  keys(prefix: string): Promise<string[]>;
  /** Deletes everything, keys first: without them the rest is noise. */
  forget(): Promise<void>;
  close(): void;
}

/**
 * Names where a device's state is: one place for each person of the staff. What
 * was kept under the practice's name alone nobody opens any more.
 */
export function placeOf({ surface, practice, person }: Pick<StartOptions, "surface" | "practice" | "person">): readonly string[] {
  return ["sotto", surface, practice, ...(person === undefined ? [] : [person])];
}

const keyStore = "keys";
const valueStore = "values";
const nonceSize = 12;

interface DeviceKeys {
  readonly signing: CryptoKeyPair;
  readonly sealing: CryptoKey;
}

async function makeKeys(): Promise<DeviceKeys> {
  const [signing, sealing] = await Promise.all([
    makeKeyPair(),
    crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]),
  ]);
  return { signing, sealing };
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(tx: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error ?? new DOMException("aborted", "AbortError"));
  });
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(keyStore);
      request.result.createObjectStore(valueStore);
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close(); // another tab forgets it
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new DOMException("blocked", "InvalidStateError"));
  });
}

const letGoMs = 10_000;

/**
 * Deletes a store, whoever has it open: they let go of it. Rejects with
 * `storage-blocked` where one does not; the browser deletes it when that one ends.
 */
export function deleteStore(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(failureOfStorage(request.error));
    // What they were writing when they were asked may still be under way.
    request.onblocked = () => setTimeout(() => reject(new CoreError("storage-blocked")), letGoMs);
  });
}

/** Every string that starts with prefix sorts within this range. */
function within(prefix: string): IDBKeyRange | undefined {
  return prefix === "" ? undefined : IDBKeyRange.bound(prefix, prefix + "\uffff");
}

function failureOfStorage(error: unknown): CoreError {
  if (error instanceof CoreError) return error;
  return new CoreError(error instanceof DOMException && error.name === "QuotaExceededError" ? "storage-full" : "storage-blocked");
}

class SealedKeep implements Keep {
  readonly keeping = "saved";
  readonly signingKeys: CryptoKeyPair;
  private readonly db: IDBDatabase;
  private readonly sealing: CryptoKey;
  private last: Promise<void> = Promise.resolve();

  constructor(db: IDBDatabase, keys: DeviceKeys) {
    this.db = db;
    this.sealing = keys.sealing;
    this.signingKeys = keys.signing;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const sealed: unknown = await result(this.db.transaction(valueStore).objectStore(valueStore).get(key)).catch((error) => {
      throw failureOfStorage(error);
    });
    if (sealed === undefined) return undefined;
    if (!(sealed instanceof Uint8Array)) throw new CoreError("untrusted");
    return this.unseal(key, sealed as Uint8Array<ArrayBuffer>);
  }

  // One after the other: the engine counts on its order.
  apply(puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[]): Promise<void> {
    const mine = this.last.then(() => this.write(puts, deletes));
    this.last = mine.catch(() => undefined);
    return mine;
  }

  async keys(prefix: string): Promise<string[]> {
    const all = await result(this.db.transaction(valueStore).objectStore(valueStore).getAllKeys(within(prefix)));
    return all.filter((key): key is string => typeof key === "string");
  }

  async forget(): Promise<void> {
    await this.last;
    const tx = this.db.transaction(keyStore, "readwrite", { durability: "strict" });
    tx.objectStore(keyStore).clear();
    await finished(tx);
    const { name } = this.db;
    this.db.close();
    await deleteStore(name);
  }

  close(): void {
    this.db.close();
  }

  private async write(puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[]): Promise<void> {
    // Sealed first: a transaction ends by itself while WebCrypto works.
    const sealed = await Promise.all(puts.map(async ([key, value]) => [key, await this.seal(key, value)] as const));
    try {
      const tx = this.db.transaction(valueStore, "readwrite", { durability: "strict" });
      const values = tx.objectStore(valueStore);
      for (const key of deletes) values.delete(key);
      for (const [key, value] of sealed) values.put(value, key);
      await finished(tx);
    } catch (error) {
      throw failureOfStorage(error);
    }
  }

  private async seal(key: string, value: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const iv = crypto.getRandomValues(new Uint8Array(nonceSize));
    const body = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(key) },
      this.sealing,
      value as Uint8Array<ArrayBuffer>,
    );
    const sealed = new Uint8Array(nonceSize + body.byteLength);
    sealed.set(iv);
    sealed.set(new Uint8Array(body), nonceSize);
    return sealed;
  }

  private async unseal(key: string, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    try {
      const opened = await crypto.subtle.decrypt(
        { name: "AES-GCM", iv: sealed.subarray(0, nonceSize), additionalData: new TextEncoder().encode(key) },
        this.sealing,
        sealed.subarray(nonceSize),
      );
      return new Uint8Array(opened);
    } catch {
      throw new CoreError("untrusted"); // changed on the disk
    }
  }
}

/**
 * Opens the sealed store of that name and makes its keys if it is new, unless
 * it must exist: then it rejects with `signed-out`. It
 * rejects with `storage-blocked` where the browser keeps nothing, as in a frame
 * on another site's page: opening and reading back is the only probe that
 * tells.
 */
export async function openKeep(name: string, mustExist = false): Promise<Keep> {
  try {
    const db = await openDatabase(name);
    let keys: unknown = await result(db.transaction(keyStore).objectStore(keyStore).get("device"));
    if (keys === undefined && mustExist) {
      db.close();
      throw new CoreError("signed-out");
    }
    if (keys === undefined) {
      const tx = db.transaction([keyStore, valueStore], "readwrite", { durability: "strict" });
      tx.objectStore(valueStore).clear(); // sealed under keys that are gone
      await finished(tx);
      const made = await makeKeys();
      const put = db.transaction(keyStore, "readwrite", { durability: "strict" });
      put.objectStore(keyStore).put(made, "device");
      await finished(put);
      keys = await result(db.transaction(keyStore).objectStore(keyStore).get("device"));
    }
    return new SealedKeep(db, keys as DeviceKeys);
  } catch (error) {
    throw failureOfStorage(error);
  }
}

/** Keeps state until the worker ends, and nothing after. */
export async function memoryKeep(): Promise<Keep> {
  const signingKeys = await makeKeyPair();
  const values = new Map<string, Uint8Array>();
  return {
    keeping: "memory",
    signingKeys,
    get: async (key) => values.get(key)?.slice(),
    apply: async (puts, deletes) => {
      for (const key of deletes) values.delete(key);
      for (const [key, value] of puts) values.set(key, value.slice());
    },
    keys: async (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)).sort(),
    forget: async () => values.clear(),
    close: () => undefined,
  };
}
