import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { hasChromium, TestBrowser } from "./browser.ts";

// Storage, keys and locks as a real browser has them.
describe.skipIf(!hasChromium)("in Chromium", { timeout: 60_000 }, () => {
  let browser: TestBrowser;

  beforeAll(async () => {
    browser = await TestBrowser.launch();
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    expect(browser.faults).toEqual([]);
  });

  test("T44: the store seals, keeps, and hands back the same", async () => {
    const context = await browser.context();
    const page = await browser.page(context);
    const found = await page.evaluate(async () => {
      const keep = await window.within.openKeep("t");
      const secret = new TextEncoder().encode("canary-5d1f");
      await keep.apply(
        [
          ["a/1", secret],
          ["a/2", new Uint8Array([2])],
          ["b/1", new Uint8Array([])],
        ],
        [],
      );
      await keep.apply([["a/3", new Uint8Array([3])]], ["a/2"]);
      const db = await new Promise<IDBDatabase>((resolve) => {
        const request = indexedDB.open("t");
        request.onsuccess = () => resolve(request.result);
      });
      const raw = await new Promise<Uint8Array[]>((resolve) => {
        const request = db.transaction("values").objectStore("values").getAll();
        request.onsuccess = () => resolve(request.result as Uint8Array[]);
      });
      const keys = await new Promise<{ signing: CryptoKeyPair; sealing: CryptoKey }>((resolve) => {
        const request = db.transaction("keys").objectStore("keys").get("device");
        request.onsuccess = () => resolve(request.result as { signing: CryptoKeyPair; sealing: CryptoKey });
      });
      const refused = async (key: CryptoKey): Promise<boolean> =>
        crypto.subtle.exportKey(key.type === "secret" ? "raw" : "pkcs8", key).then(
          () => false,
          () => true,
        );
      return {
        got: [...((await keep.get("a/1")) ?? [])],
        empty: (await keep.get("b/1"))?.length,
        absent: (await keep.get("a/2")) === undefined,
        names: await keep.keys("a/"),
        onDisk: raw.map((value) => new TextDecoder().decode(value)).join(),
        locked: [await refused(keys.sealing), await refused(keys.signing.privateKey)],
      };
    });
    expect(Buffer.from(found.got).toString()).toBe("canary-5d1f");
    expect(found.empty).toBe(0);
    expect(found.absent).toBe(true);
    expect(found.names).toEqual(["a/1", "a/3"]);
    expect(found.onDisk).not.toContain("canary");
    expect(found.locked).toEqual([true, true]);

    const again = await browser.page(context); // another page, as after a reload
    const kept = await again.evaluate(async () => [...((await (await window.within.openKeep("t")).get("a/1")) ?? [])]);
    expect(Buffer.from(kept).toString()).toBe("canary-5d1f");
    await context.close();
  });

  test("T44: values that were changed or swapped on the disk are not believed", async () => {
    const context = await browser.context();
    const page = await browser.page(context);
    const failures = await page.evaluate(async () => {
      const keep = await window.within.openKeep("t");
      await keep.apply(
        [
          ["one", new Uint8Array([1])],
          ["two", new Uint8Array([2])],
        ],
        [],
      );
      const db = await new Promise<IDBDatabase>((resolve) => {
        const request = indexedDB.open("t");
        request.onsuccess = () => resolve(request.result);
      });
      const values = (mode: IDBTransactionMode): IDBObjectStore => db.transaction("values", mode).objectStore("values");
      const read = (key: string): Promise<Uint8Array> =>
        new Promise((resolve) => {
          const request = values("readonly").get(key);
          request.onsuccess = () => resolve(request.result as Uint8Array);
        });
      const write = (key: string, value: Uint8Array): Promise<void> =>
        new Promise((resolve) => {
          values("readwrite").put(value, key).onsuccess = () => resolve();
        });
      const failure = (key: string): Promise<string> =>
        keep.get(key).then(
          () => "believed",
          (error: { failure: string }) => error.failure,
        );
      await write("one", await read("two"));
      const bent = await read("two");
      bent[bent.length - 1] = (bent[bent.length - 1] ?? 0) ^ 1;
      await write("two", bent);
      return [await failure("one"), await failure("two")];
    });
    expect(failures).toEqual(["untrusted", "untrusted"]);
    await context.close();
  });

  test("forgetting takes the keys and the values", async () => {
    const context = await browser.context();
    const page = await browser.page(context);
    const found = await page.evaluate(async () => {
      const keep = await window.within.openKeep("t");
      const first = await window.within.signerOf(keep.signingKeys);
      await keep.apply([["a", new Uint8Array([1])]], []);
      await keep.forget();
      const left = await indexedDB.databases();
      const anew = await window.within.openKeep("t");
      const second = await window.within.signerOf(anew.signingKeys);
      return {
        left: left.length,
        value: (await anew.get("a")) === undefined,
        sameKey: first.publicKey.join() === second.publicKey.join(),
      };
    });
    expect(found).toEqual({ left: 0, value: true, sameKey: false });
    await context.close();
  });

  test("T44: a store that another tab has open is deleted, and one that nobody lets go of is said to stay", async () => {
    const context = await browser.context();
    const [page, other] = [await browser.page(context), await browser.page(context)];
    await other.evaluate(async () => void (await window.within.openKeep("t")));
    const deleted = () => page.evaluate(() => window.within.deleteStore("t").then(() => "deleted", (error: { failure: string }) => error.failure));
    expect(await deleted()).toBe("deleted");
    await other.evaluate(() => new Promise((resolve) => (indexedDB.open("t").onsuccess = resolve))); // it hears of nothing
    expect(await deleted()).toBe("storage-blocked");
    await other.close();
    expect(await deleted()).toBe("deleted");
    await context.close();
  });

  test("where nothing can be kept, the store says so", async () => {
    const context = await browser.context();
    const page = await browser.page(context);
    const failure = await page.evaluate(async () => {
      const open = IDBFactory.prototype.open;
      IDBFactory.prototype.open = () => {
        throw new DOMException("denied", "SecurityError");
      };
      try {
        await window.within.openKeep("t");
        return "opened";
      } catch (error) {
        return (error as { failure: string }).failure;
      } finally {
        IDBFactory.prototype.open = open;
      }
    });
    expect(failure).toBe("storage-blocked");
    await context.close();
  });

  test("signatures are made with a key that verifies them", async () => {
    const context = await browser.context();
    const page = await browser.page(context);
    const made = await page.evaluate(async () => {
      const keep = await window.within.memoryKeep();
      const signer = await window.within.signerOf(keep.signingKeys);
      const message = new TextEncoder().encode("prove it");
      return { publicKey: [...signer.publicKey], signature: [...(await signer.sign(message))] };
    });
    const { createPublicKey, verify } = await import("node:crypto");
    const x = Buffer.from(made.publicKey.slice(1, 33)).toString("base64url");
    const y = Buffer.from(made.publicKey.slice(33)).toString("base64url");
    const key = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
    expect(made.publicKey[0]).toBe(4);
    expect(verify("sha256", Buffer.from("prove it"), key, Buffer.from(made.signature))).toBe(true);
    await context.close();
  });
});
