// What the stories rely on: that a browser with a fault does not pass.
import assert from "node:assert/strict";
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

for (const [what, body, expected, headers] of [
  ["an error on the console", "<script>console.error('oh')</script>", /console: oh/],
  ["an error that nobody caught", "<script>throw new Error('oh')</script>", /error: oh/],
  ["a promise that nobody caught", "<script>Promise.reject(new Error('oh'))</script>", /error: oh/],
  ["a request to elsewhere", "<img alt='' src='http://elsewhere.localhost:1/pixel.png'>", /foreign request: http:\/\/elsewhere.localhost:1/],
  ["what the policy refused", "<img alt='' src='http://elsewhere.localhost:1/pixel.png'>", /CSP report: img-src/, { "Content-Security-Policy": policy }],
]) {
  test(`${what} is noticed`, async () => {
    const { person, faults } = await noticed(body, headers);
    assert.ok(faults.some((fault) => expected.test(fault)), `noticed: ${faults.join("; ") || "nothing"}`);
    assert.throws(() => person.assertClean());
  });
}

test("what axe finds is noticed, in a frame too", async () => {
  const { opened } = await noticed("<button></button>");
  await assert.rejects(assertAccessible(opened, "a bad page"), /button-name/);
  const { opened: outer } = await noticed(`<iframe title="inner" srcdoc="<html lang='en'><title>t</title><img src='x.png'></html>"></iframe>`);
  await assert.rejects(assertAccessible(outer, "a bad frame"), /image-alt/);
});
