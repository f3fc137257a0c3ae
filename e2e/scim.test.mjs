// What a directory says and hears by SCIM is made, read and worked out by an
// implementation of others: SCIMMY (RFC 7643, 7644).
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import SCIMMY from "scimmy";
import { Demo, root } from "./server.mjs";

const { Messages, Schemas, Types } = SCIMMY;
const { User, Group } = Schemas;
let demo, token;

const sotto = async (...args) =>
  (await promisify(execFile)(path.join(root, "bin", "sotto"), ["--data", path.join(demo.folder, "data"), ...args])).stdout;

before(async () => {
  demo = await Demo.start();
  token = (await sotto("directory", "--practice", "riverside", "token", "SCIMMY")).split("\n")[0];
});

after(() => demo?.end());

/** Calls the server as a directory; what is refused is thrown as SCIMMY reads it. */
async function call(method, where, body) {
  const answer = await fetch(`${demo.origin}/scim/v2${where}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json" },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (text !== "") assert.equal(answer.headers.get("Content-Type"), "application/scim+json");
  const resource = text === "" ? undefined : JSON.parse(text);
  if (!answer.ok) throw new Messages.ErrorResponse(resource);
  return resource;
}

/** The resources of a list, each as the schema reads it. */
const list = async (Schema, where) => new Messages.ListResponse(await call("GET", where)).Resources.map((r) => new Schema(r, "out"));

/** A resource without what the server alone says of it. It keeps one name of a person, and shows it as name.formatted too. */
const plain = (resource) => ({ ...JSON.parse(JSON.stringify(resource)), meta: undefined, name: undefined });

const refused = (status, type) => (e) => e instanceof Types.Error && Number(e.status) === status && e.scimType === type;

/** Patches at the server, and holds what comes of it against what SCIMMY makes of the same. */
async function patch(Schema, where, ...operations) {
  /** @type {{ schemas: [typeof Messages.PatchOp.id], Operations: any[] }} */
  const request = { schemas: [Messages.PatchOp.id], Operations: operations };
  const before = new Schema(await call("GET", where), "out");
  const expected = (await new Messages.PatchOp(structuredClone(request)).apply(before)) ?? before;
  const got = new Schema(await call("PATCH", where, request), "out");
  assert.deepEqual(plain(got), plain(expected), JSON.stringify(operations));
  assert.deepEqual(plain(new Schema(await call("GET", where), "out")), plain(got));
  return got;
}

test("the server describes itself as the standard says", async () => {
  const types = new Messages.ListResponse(await call("GET", "/ResourceTypes")).Resources;
  const schemas = new Messages.ListResponse(await call("GET", "/Schemas")).Resources;
  const attribute = ({ type, name, subAttributes = [], multiValued, required, caseExact, uniqueness, returned, mutability }) =>
    new Types.Attribute(type, name, { multiValued, required, caseExact, uniqueness, returned, mutable: mutability === "readWrite" }, subAttributes.map(attribute));
  for (const { id, name, attributes } of schemas) {
    const ours = new Types.SchemaDefinition(name, id, "", attributes.map(attribute));
    const theirs = { User, Group }[name].definition;
    assert.equal(id, theirs.id);
    for (const { name: of, type, config } of ours.attributes) {
      if (["schemas", "id", "meta"].includes(of)) continue; // SCIMMY adds these
      const standard = theirs.attribute(of);
      assert.deepEqual([type, config.multiValued], [standard.type, standard.config.multiValued], `${name}.${of}`);
    }
  }
  assert.deepEqual(types.map((t) => [t.endpoint, t.schema]), [["/Users", User.definition.id], ["/Groups", Group.definition.id]]);
  const can = await call("GET", "/ServiceProviderConfig");
  assert.deepEqual([can.patch.supported, can.etag.supported, can.bulk.supported, can.sort.supported], [true, true, false, false]);
});

test("a person is added, found, changed in every way and disabled", async () => {
  const kim = new User({ schemas: [User.definition.id], userName: "kim@clinic.example", externalId: "object-1", name: { givenName: "Kim", familyName: "Tran" }, title: "Nurse", active: true }, "in");
  const made = new User(await call("POST", "/Users", kim), "out");
  assert.deepEqual([made.userName, made.externalId, made.name.formatted, made.active], ["kim@clinic.example", "object-1", "Kim Tran", true]);
  assert.equal(made.meta.resourceType, "User");
  const where = `/Users/${made.id}`;
  assert.match(made.meta.location, new RegExp(`${where}$`));
  await assert.rejects(call("POST", "/Users", kim), refused(409, "uniqueness"));

  const all = await list(User, "/Users");
  for (const filter of ['userName eq "kim@clinic.example"', 'externalId eq "object-1"', 'userName eq "dana.ortiz" and active eq true', 'displayName eq "nobody"', "active eq true"]) {
    const found = await list(User, `/Users?filter=${encodeURIComponent(filter)}`);
    assert.deepEqual(found.map((u) => u.id).sort(), new Types.Filter(filter).match(all).map((u) => u.id).sort(), filter);
  }
  const second = new Messages.ListResponse(await call("GET", "/Users?startIndex=2&count=1"));
  assert.deepEqual([second.startIndex, second.itemsPerPage, second.totalResults], [2, 1, all.length]);
  await assert.rejects(call("GET", `/Users?filter=${encodeURIComponent('userName co "k"')}`), refused(400, "invalidFilter"));

  await patch(User, where, { op: "replace", path: "title", value: "Charge nurse" }); // RFC 7644, 3.5.2.3
  await patch(User, where, { op: "Replace", path: "displayName", value: "Kim T." }, { op: "Add", path: "externalId", value: "object-2" }); // Entra ID
  await patch(User, where, { op: "replace", value: { displayName: "Kim Tran", title: "Nurse" } }); // Okta
  await patch(User, where, { op: "remove", path: "title" });
  await patch(User, where, { op: "add", value: { title: "Triage nurse" } }); // RFC 7644, 3.5.2.1
  await assert.rejects(call("PATCH", where, { schemas: [Messages.PatchOp.id], Operations: [{ op: "remove" }] }), refused(400, "noTarget"));

  const whole = new User({ ...plain(new User(await call("GET", where), "out")), title: "Lead nurse" }, "in");
  assert.equal(new User(await call("PUT", where, whole), "out").title, "Lead nurse");
  assert.equal((await patch(User, where, { op: "replace", path: "active", value: false })).active, false);
  assert.match(await sotto("staff", "--practice", "riverside", "list"), /kim@clinic\.example.*disabled/);
  assert.equal((await patch(User, where, { op: "replace", value: { active: true } })).active, true);
  assert.equal(await call("DELETE", where), undefined);
  assert.equal(new User(await call("GET", where), "out").active, false);
  await assert.rejects(call("GET", "/Users/p_nobody"), refused(404));
});

test("a group takes members in and lets them go", async () => {
  const [one, two] = await list(User, "/Users");
  const made = new Group(await call("POST", "/Groups", new Group({ schemas: [Group.definition.id], displayName: "Nurses", members: [{ value: one.id }] }, "in")), "out");
  const where = `/Groups/${made.id}`;
  await patch(Group, where, { op: "add", path: "members", value: [{ value: two.id }] });
  await patch(Group, where, { op: "Remove", path: "members", value: [{ value: two.id }] }); // Entra ID
  await patch(Group, where, { op: "Add", path: "members", value: [{ value: two.id }] });
  await patch(Group, where, { op: "remove", path: `members[value eq "${one.id}"]` }); // RFC 7644, 3.5.2.2; Okta
  await patch(Group, where, { op: "replace", path: "members", value: [{ value: one.id }, { value: two.id }] });
  await patch(Group, where, { op: "replace", value: { displayName: "All nurses" } });
  assert.deepEqual((await list(Group, `/Groups?filter=${encodeURIComponent('displayName eq "All nurses"')}`)).map((g) => g.id), [made.id]);
  await patch(Group, where, { op: "remove", path: "members" });
  assert.equal(await call("DELETE", where), undefined);
  await assert.rejects(call("GET", where), refused(404));
});
