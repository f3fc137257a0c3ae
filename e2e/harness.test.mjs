// What the stories rely on: that a browser with a fault does not pass.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { assertAccessible, launch, Person } from "./browser.mjs";

const home = "http://home.localhost:1";
const policy = "default-src 'none'; script-src 'self' 'unsafe-inline'; img-src 'self'";
const page = (body) => `<!doctype html><html lang="en"><title>page</title><main><h1>Page</h1>${body}</main></html>`;

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** Opens a made-up page and says what was noticed. */
async function noticed(body, headers = {}) {
  const person = await Person.arrive(browser, { name: "nobody", origins: [home] });
  await person.context.route("**/*", (route) => route.fulfill(route.request().url() === `${home}/` ? { contentType: "text/html", body: page(body), headers } : { status: 204 }));
  const opened = await person.open(`${home}/`);
  await opened.waitForTimeout(300);
  return { faults: person.faults, person, opened };
}

test("a page without fault passes", async () => {
  const { person, opened } = await noticed("<p>Hello</p>");
  person.assertClean();
  await assertAccessible(opened, "a good page");
});

/** @type {[string, string, RegExp, Record<string, string>?][]} */
const faulty = [
  ["an error on the console", "<script>console.error('oh')</script>", /console: oh/],
  ["an error that nobody caught", "<script>throw new Error('oh')</script>", /error: oh/],
  ["a promise that nobody caught", "<script>Promise.reject(new Error('oh'))</script>", /error: oh/],
  ["a request to elsewhere", "<img alt='' src='http://elsewhere.localhost:1/pixel.png'>", /foreign request: http:\/\/elsewhere.localhost:1/],
  ["what the policy refused", "<img alt='' src='http://elsewhere.localhost:1/pixel.png'>", /CSP report: img-src/, { "Content-Security-Policy": policy }],
];
for (const [what, body, expected, headers] of faulty) {
  test(`${what} is noticed`, async () => {
    const { person, faults, opened } = await noticed(body, headers);
    for (let tries = 0; tries < 600 && !faults.some((fault) => expected.test(fault)); tries++) await opened.waitForTimeout(50);
    assert.ok(faults.some((fault) => expected.test(fault)), `noticed: ${faults.join("; ") || "nothing"}`);
    assert.throws(() => person.assertClean());
  });
}

test("what is allowed is allowed until it is taken back, and nothing else is", async () => {
  const { person, opened } = await noticed("");
  const takeBack = person.allow(/cut/);
  const says = async (text) => {
    await opened.evaluate((said) => console.error(said), text);
    await opened.waitForTimeout(500);
  };
  await says("cut off");
  await says("something else");
  takeBack();
  await says("cut again");
  assert.deepEqual(person.faults.map((fault) => fault.replace(/ \(.*/, "")), ["console: something else", "console: cut again"]);
});

for (const [what, script] of [
  ["a socket", "new WebSocket('ws://elsewhere.localhost:1/socket')"],
  ["a socket of a worker", "new Worker('/socket.js')"],
  ["a request of a service worker", "navigator.serviceWorker.register('/fetch.js')"],
]) {
  test(`${what} to elsewhere is noticed`, async (t) => {
    const scripts = { "/socket.js": "new WebSocket('ws://elsewhere.localhost:1/socket')", "/fetch.js": "fetch('http://elsewhere.localhost:1/').catch(() => {})" };
    const server = createServer((request, response) => {
      const own = scripts[request.url];
      response.setHeader("Content-Type", own ? "text/javascript" : "text/html").end(own ?? page(`<script>${script}</script>`));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const origin = `http://localhost:${Object(server.address()).port}`;
    const person = await Person.arrive(browser, { name: "nobody", origins: [origin] });
    const opened = await person.open(`${origin}/`);
    for (let tries = 0; tries < 600 && !person.faults.some((fault) => fault.startsWith("foreign")); tries++) await opened.waitForTimeout(50);
    assert.ok(person.faults.some((fault) => /foreign request: (ws|http):\/\/elsewhere.localhost:1/.test(fault)), `noticed: ${person.faults.join("; ") || "nothing"}`);
    await person.leave();
  });
}

test("what axe finds is noticed, in a frame too", async () => {
  const { opened } = await noticed("<button></button>");
  await assert.rejects(assertAccessible(opened, "a bad page"), /button-name/);
  const { opened: outer } = await noticed(`<iframe title="inner" srcdoc="<html lang='en'><title>t</title><img src='x.png'></html>"></iframe>`);
  await assert.rejects(assertAccessible(outer, "a bad frame"), /image-alt/);
});
