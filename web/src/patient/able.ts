// What this browser can do, asked before anything depends on it.

/** True if the core can run here: WebAssembly, module workers, keys, storage interfaces. */
export function supported(): boolean {
  return (
    typeof WebAssembly === "object" &&
    typeof WebAssembly.instantiate === "function" &&
    typeof Worker === "function" &&
    typeof BigInt === "function" &&
    typeof HTMLDialogElement === "function" &&
    // Absent without TLS, except on localhost.
    typeof globalThis.crypto?.subtle === "object"
  );
}

/** True if something written here can be read again. Frames from other sites often may not. */
export function storageWorks(): Promise<boolean> {
  return new Promise((resolve) => {
    const name = "sotto-probe";
    // A browser that never answers is one that does not keep.
    const timer = setTimeout(() => resolve(false), 10_000);
    const done = (works: boolean): void => {
      clearTimeout(timer);
      resolve(works);
    };
    try {
      const opening = indexedDB.open(name, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("probe");
      opening.onerror = () => done(false);
      opening.onblocked = () => done(false);
      opening.onsuccess = () => {
        const database = opening.result;
        try {
          const writing = database.transaction("probe", "readwrite");
          writing.objectStore("probe").put(1, "probe");
          writing.oncomplete = () => {
            database.close();
            indexedDB.deleteDatabase(name);
            done(true);
          };
          writing.onabort = writing.onerror = () => done(false);
        } catch {
          done(false);
        }
      };
    } catch {
      done(false);
    }
  });
}

/** "Firefox on Android": how the device's owner would know it. */
export function deviceName(agent: string): string {
  const browser = /Edg\//.test(agent) ? "Edge" : /Firefox\/|FxiOS/.test(agent) ? "Firefox" : /Chrome\/|CriOS/.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : "Browser";
  const system = /iPhone|iPad/.test(agent) ? "iOS" : /Android/.test(agent) ? "Android" : /Mac OS X/.test(agent) ? "macOS" : /Windows/.test(agent) ? "Windows" : /Linux/.test(agent) ? "Linux" : "";
  return system ? `${browser} on ${system}` : browser;
}
