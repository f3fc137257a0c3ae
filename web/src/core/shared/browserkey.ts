// The key of this browser, to which the sessions of staff belong: each call of a
// staff person is signed by it, so that a cookie that was carried away is worth
// nothing elsewhere. WebCrypto uses the key and never gives it out. A browser
// that keeps nothing has none, and its sessions belong to their cookie alone.

const databaseName = "sotto-browser";
const storeName = "key";
const label = "sotto staff call v1";
const header = "Sotto-Browser";
const tolerableMs = 30_000; // the hub takes two minutes

const utf8 = new TextEncoder();

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException("failed", "AbortError"));
  });
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(databaseName, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(storeName);
  return result(request);
}

async function load(): Promise<CryptoKeyPair> {
  const db = await open();
  try {
    const kept = () => result(db.transaction(storeName).objectStore(storeName).get(label)) as Promise<CryptoKeyPair | undefined>;
    const found = await kept();
    if (found) return found;
    const made = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    // Another tab may have been quicker: then its key is everybody's.
    await result(db.transaction(storeName, "readwrite").objectStore(storeName).add(made, label)).catch(() => undefined);
    return (await kept()) ?? Promise.reject(new DOMException("not kept", "DataError"));
  } finally {
    db.close();
  }
}

function base64url(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export class BrowserKey {
  private pair: Promise<CryptoKeyPair | undefined> | undefined;
  private aheadMs = 0; // of our clock, the hub's

  /** The headers with which a call shows the key; none if there is no key. */
  async headers(method: string, path: string): Promise<Record<string, string>> {
    const pair = await this.keys();
    if (!pair) return {};
    const at = String(Math.round(Date.now() + this.aheadMs));
    const [bare = ""] = path.split("?");
    const said = utf8.encode([label, method, bare, at].join("\n"));
    const [key, signature] = await Promise.all([
      crypto.subtle.exportKey("raw", pair.publicKey),
      crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, said),
    ]);
    return { [header]: [base64url(key), at, base64url(signature)].join(".") };
  }

  /** Sets our clock by the hub's. Reports whether it was so wrong that a refused call should be made again. */
  wasLate(response: Response): boolean {
    const date = Date.parse(response.headers.get("Date") ?? "");
    if (response.status !== 401 || Number.isNaN(date)) return false;
    const ahead = date - Date.now();
    const wrong = Math.abs(ahead - this.aheadMs) > tolerableMs;
    if (wrong) this.aheadMs = ahead;
    return wrong;
  }

  private keys(): Promise<CryptoKeyPair | undefined> {
    this.pair ??= load().catch(() => {
      this.pair = undefined; // to be tried again at the next call
      return undefined;
    });
    return this.pair;
  }
}
