// The service worker of the patient chat: it keeps the shell, so that the chat
// opens without a network and what is in the outbox can be seen and added to.
//
// It keeps what the build lists here, by names that hold a hash, and nothing
// else, ever: no answer of the API, no file of a chat, no page of a practice.
// What it keeps is the same for everybody and says nothing about anybody.
//
// finish-build.mjs puts the list in.

/** @type {{ readonly version: string, readonly page: string, readonly files: readonly string[] }} */
const shell = "LISTED BY THE BUILD";

const prefix = "sotto-shell-";
const name = prefix + shell.version;
const kept = new Set(shell.files);

addEventListener("install", (event) => event.waitUntil(keep()));
addEventListener("activate", (event) => event.waitUntil(letGo()));
addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  // A frame on a clinic's page is not ours to open without the server, which
  // says who may frame it.
  if (request.mode === "navigate") {
    if (request.destination === "document" && url.pathname.startsWith("/c/")) event.respondWith(open(request));
  } else if (kept.has(url.pathname)) {
    event.respondWith(caches.match(url.pathname, { cacheName: name }).then((found) => found ?? fetch(request)));
  }
});

// A note that something is new was pressed: back to the chat.
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(
    clients.matchAll({ type: "window" }).then((pages) => pages.find((page) => new URL(page.url).pathname.startsWith("/c/"))?.focus()),
  );
});

/** Fetches what the former release did not have. All of it, or this release is not installed. */
async function keep() {
  const cache = await caches.open(name);
  await Promise.all(
    shell.files.map(async (file) => {
      const known = await caches.match(file);
      if (known) return cache.put(file, known);
      const answer = await fetch(file, { credentials: "omit" });
      if (!answer.ok || answer.redirected) throw new Error("not to be had");
      return cache.put(file, answer);
    }),
  );
}

/** Runs when no page of the former release is open any more. */
async function letGo() {
  for (const other of await caches.keys()) if (other.startsWith(prefix) && other !== name) await caches.delete(other);
  await clients.claim();
}

/**
 * The server's page if there is one: a new release is seen at once.
 * @param {Request} request
 */
async function open(request) {
  try {
    const answer = await fetch(request);
    if (answer.status < 502 || answer.status > 504) return answer;
  } catch {
    // no network
  }
  return (await caches.match(shell.page, { cacheName: name })) ?? Response.error();
}
