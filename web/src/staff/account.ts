// Signing in and out: the few calls that the page makes itself. The session is
// a cookie that scripts cannot see. All that is said in conversations goes
// through the core.

import type * as api from "../api/schema.ts";
import type { Untrusted } from "../api/untrusted.ts";
import { isRecord } from "../core/shared/wire.ts";
import { browserPasskeys, publicKeyOf, type Ask, type Passkeys } from "./passkey.ts";
import { Refused } from "./refused.ts";
import { Server } from "./server.ts";

export { Refused, type Refusal } from "./refused.ts";

export type StaffPerson = Required<Pick<api.Person, "id" | "role" | "name">>;

export type StaffSession = Pick<
  api.StaffSession,
  "practice" | "login" | "expires_at" | "idle_at" | "idle_seconds" | "locked" | "password_expired" | "has_passkey" | "sso" | "new_sign_ins" | "new_devices" | "emergencies" | "alerts" | "approvals" | "stated_grants" | "reviews" | "may"
> & { readonly person: StaffPerson };

/** Actions of policy that open something on the administrators' page. */
export const practiceActions: readonly string[] = ["person.list", "audit.read", "practice.configure", "practice.inspect", "emergency.review"];

/** Whom a set-up link is for, and the secret of an authenticator app for them. */
export type Invitation = Pick<api.Invitation, "practice" | "login" | "password" | "app"> & { readonly person: StaffPerson };

/** Both factors: a passkey that is at hand, or a password and a code. */
export type Proof = "passkey" | { readonly password: string; readonly code: string };

export type Strength = Pick<api.PasswordStrength, "bits" | "fault">;
export type Factors = api.Factors;
export type Factor = api.Factor;
export type SessionInfo = api.SessionInfo;
export type DeviceInfo = api.DeviceInfo;
export type SignInRecord = api.SignInRecord;
export type AppOffer = api.AppOffer;

export type Queue = Pick<api.Queue, "id" | "reason"> & Partial<Pick<api.Queue, "level">>;

/** What the console shows of the practice. */
export type Practice = Pick<
  api.Practice,
  "slug" | "name" | "phone" | "time_zone" | "languages" | "demo" | "wait_minutes" | "staff_sso" | "max_file_bytes" | "recall_minutes" | "record_numbers"
> & { readonly queues: readonly Queue[] };

type Path = keyof api.paths | `/v1/practices/${string}` | `/v1/staff/${"factors" | "sessions" | "devices" | "conversations"}/${string}`;

export class Account {
  readonly server: Server;
  private readonly passkeys: Passkeys;

  constructor(fetcher: typeof fetch = (...args) => fetch(...args), passkeys: Passkeys = browserPasskeys) {
    this.server = new Server(fetcher);
    this.passkeys = passkeys;
  }

  /** Whether this browser can hold or reach a passkey. */
  get canUsePasskeys(): boolean {
    return this.passkeys.available();
  }

  /** Who is signed in, or nobody. */
  async session(): Promise<StaffSession | undefined> {
    try {
      const session: Untrusted<api.StaffSession> = await this.call("GET", "/v1/staff/session");
      return isRecord(session.person) ? readSession(session) : undefined; // 204: nobody is signed in
    } catch (error) {
      if (error instanceof Refused && error.refusal === "unauthenticated") return undefined;
      throw error;
    }
  }

  /** Signs in with both factors. With a passkey the name is not needed. */
  async signIn(practice: string, login: string, proof: Proof): Promise<StaffSession> {
    const factors = await this.authenticate(proof, { purpose: "sign-in", practice, person: "" });
    const asked: api.SignIn = { practice, login, ...factors };
    return readSession(await this.call("POST", "/v1/staff/sign-in", asked));
  }

  /** Opens a locked session again. Nothing that was typed is lost. */
  async unlock(session: StaffSession, proof: Proof): Promise<StaffSession> {
    return this.prove("/v1/staff/unlock", session, proof);
  }

  /** Shows both factors again: for some minutes they may then be changed. */
  async stepUp(session: StaffSession, proof: Proof): Promise<StaffSession> {
    return this.prove("/v1/staff/step-up", session, proof);
  }

  /** Somebody is here: the session does not lock for now. */
  async active(): Promise<StaffSession> {
    return readSession(await this.call("POST", "/v1/staff/active", {}));
  }

  /** Locks the session at the server too, as when the screen is hidden. */
  async lock(): Promise<void> {
    await this.call("POST", "/v1/staff/lock", {});
  }

  private async prove(path: "/v1/staff/unlock" | "/v1/staff/step-up", session: StaffSession, proof: Proof): Promise<StaffSession> {
    const factors = await this.authenticate(proof, { purpose: "confirm", practice: session.practice, person: session.person.id });
    return readSession(await this.call("POST", path, factors));
  }

  private async authenticate(proof: Proof, ask: Omit<Ask, "nonce">): Promise<api.Authentication> {
    return proof === "passkey" ? { passkey: await this.assert(ask) } : proof;
  }

  private async assert(ask: Omit<Ask, "nonce">): Promise<api.PasskeyAssertion> {
    return this.passkeys.get({ ...ask, nonce: await this.nonce() });
  }

  private async nonce(): Promise<string> {
    const challenge: Untrusted<api.Challenge> = await this.call("POST", "/v1/challenges", {});
    return text(challenge.nonce);
  }

  /** Returns where to end the session at the practice's provider too, if there is one. */
  async signOut(): Promise<string | undefined> {
    const out: Untrusted<api.SsoSignedOut> = await this.call("POST", "/v1/staff/sso/sign-out", {});
    return safeAddress(text(out.address));
  }

  /** Leaves the page for the practice's provider, which sends the browser back to {@link finishSSO}. */
  async goToProvider(practice: string, purpose: api.BeginSso["purpose"]): Promise<void> {
    const page = location.pathname.startsWith("/admin") ? "admin" : "staff";
    const begun: Untrusted<api.SsoBegun> = await this.call("POST", "/v1/staff/sso/begin", { practice, purpose, page } satisfies api.BeginSso);
    const address = safeAddress(text(begun.address));
    if (address === undefined) throw new Refused("internal");
    location.assign(address);
  }

  /** Hands over what the provider sent the browser back with. */
  async finishSSO(practice: string, answer: URLSearchParams): Promise<{ session: StaffSession; page: string }> {
    const value = (name: string) => answer.get(name) ?? "";
    const asked: api.FinishSso = { practice, state: value("state"), code: value("code"), iss: value("iss"), error: value("error") };
    const done: Untrusted<api.SsoDone> = await this.call("POST", "/v1/staff/sso/finish", asked);
    return { session: readSession(isRecord(done.session) ? done.session : {}), page: text(done.page) };
  }

  async unlinkProvider(): Promise<void> {
    await this.call("DELETE", "/v1/staff/sso/identity");
  }

  async inspect(token: string): Promise<Invitation> {
    const asked: api.InspectSetUp = { token };
    const body: Untrusted<api.Invitation> = await this.call("POST", "/v1/staff/set-up/inspect", asked);
    return { practice: text(body.practice), login: text(body.login), person: readPerson(body.person), password: readPolicy(body.password), app: readOffer(body.app) };
  }

  /** Uses a set-up link to make a passkey, which signs the person in. */
  async setUpPasskey(token: string, invitation: Invitation, name: string): Promise<StaffSession> {
    const passkey = await this.register(invitation.practice, invitation.person, invitation.login, name);
    const asked: api.SetUp = { token, passkey };
    return (await this.setUp(asked)).session;
  }

  /** Uses a set-up link to choose a password and an app, which signs the person in. */
  async setUpApp(token: string, password: string, offer: string, code: string): Promise<{ session: StaffSession; codes: readonly string[] }> {
    return this.setUp({ token, password, app: { offer, code } });
  }

  private async setUp(asked: api.SetUp): Promise<{ session: StaffSession; codes: readonly string[] }> {
    const done: Untrusted<api.SetUpDone> = await this.call("POST", "/v1/staff/set-up", asked);
    return { session: readSession(isRecord(done.session) ? done.session : {}), codes: list(done.recovery_codes).map(text) };
  }

  /** How good a password would be: for who has a link, or is signed in. */
  async strength(password: string, token = ""): Promise<Strength> {
    const asked: api.CheckPassword = token === "" ? { password } : { token, password };
    const body: Untrusted<api.PasswordStrength> = await this.call("POST", "/v1/staff/password-strength", asked);
    const fault = text(body.fault);
    return { bits: number(body.bits), ...(fault === "" ? {} : { fault: fault as NonNullable<Strength["fault"]> }) };
  }

  // What one signs in with. Changes need both factors shown a moment ago.

  async factors(): Promise<Factors> {
    const body: Untrusted<api.Factors> = await this.call("GET", "/v1/staff/factors");
    return {
      factors: list(body.factors).filter(isRecord).map((f) => f as unknown as Factor),
      recovery_codes: number(body.recovery_codes),
      password: readPolicy(body.password),
      ...(isRecord(body.identity) ? { identity: body.identity as unknown as api.LinkedIdentity } : {}),
    };
  }

  /** Adds a passkey. One that the person has introduces it, if it is at hand. */
  async addPasskey(session: StaffSession, name: string): Promise<void> {
    const passkey = await this.register(session.practice, session.person, session.login, name);
    const asked: api.AddPasskey = { passkey };
    if (!session.has_passkey) {
      await this.server.make("/v1/staff/factors/passkeys", asked);
      return;
    }
    const key = publicKeyOf(passkey);
    const introduction = await this.assert({ purpose: "introduce", practice: session.practice, person: session.person.id, key });
    await this.server.make("/v1/staff/factors/passkeys", { ...asked, introduction } satisfies api.AddPasskey);
  }

  private async register(practice: string, person: StaffPerson, login: string, name: string): Promise<api.PasskeyRegistration> {
    const ask = { purpose: "register" as const, practice, person: person.id, nonce: await this.nonce() };
    return this.passkeys.create(ask, { login, name: person.name }, name);
  }

  async offerApp(): Promise<AppOffer> {
    return readOffer(await this.call("POST", "/v1/staff/factors/app-offers", {}));
  }

  async addApp(offer: string, code: string, name: string): Promise<void> {
    await this.server.make("/v1/staff/factors/apps", { offer, code, name } satisfies api.TakeApp);
  }

  async renameFactor(id: string, name: string): Promise<void> {
    await this.call("PATCH", `/v1/staff/factors/${encodeURIComponent(id)}`, { name } satisfies api.RenameFactor);
  }

  async removeFactor(id: string): Promise<void> {
    await this.call("DELETE", `/v1/staff/factors/${encodeURIComponent(id)}`);
  }

  async setPassword(password: string): Promise<void> {
    await this.call("PUT", "/v1/staff/password", { password } satisfies api.SetPassword);
  }

  async newRecoveryCodes(): Promise<readonly string[]> {
    const body: Untrusted<api.RecoveryCodes> = await this.server.make("/v1/staff/recovery-codes", {});
    return list(body.codes).map(text);
  }

  // Where one is signed in.

  async sessions(): Promise<readonly SessionInfo[]> {
    return list((await this.call("GET", "/v1/staff/sessions")).sessions).filter(isRecord).map((s) => s as unknown as SessionInfo);
  }

  async endSession(id: string): Promise<void> {
    await this.call("DELETE", `/v1/staff/sessions/${encodeURIComponent(id)}`);
  }

  async devices(): Promise<readonly DeviceInfo[]> {
    return list((await this.call("GET", "/v1/staff/devices")).devices).filter(isRecord).map((d) => d as unknown as DeviceInfo);
  }

  async removeDevice(id: string): Promise<void> {
    await this.call("DELETE", `/v1/staff/devices/${encodeURIComponent(id)}`);
  }

  /** Has a passkey vouch for this browser's key; the keeper checks what it signs. */
  async vouch(session: StaffSession, device: string, key: Uint8Array): Promise<void> {
    const passkey = await this.assert({ purpose: "device", practice: session.practice, person: session.person.id, key });
    await this.call("POST", `/v1/staff/devices/${encodeURIComponent(device)}/voucher`, { passkey } satisfies api.Voucher);
  }

  async signIns(): Promise<readonly SignInRecord[]> {
    return list((await this.call("GET", "/v1/staff/sign-ins")).sign_ins).filter(isRecord).map((r) => r as unknown as SignInRecord);
  }

  async sawSignIns(): Promise<void> {
    await this.call("POST", "/v1/staff/sign-ins/seen", {});
  }

  // What staff do with a chat beyond being in it.

  async colleagues(conversation: string): Promise<api.Colleagues> {
    return (await this.call("GET", `/v1/staff/conversations/${encodeURIComponent(conversation)}/colleagues`)) as unknown as api.Colleagues;
  }

  async bring(conversation: string, person: string): Promise<void> {
    await this.call("POST", `/v1/staff/conversations/${encodeURIComponent(conversation)}/colleagues`, { person } satisfies api.BringColleague);
  }

  async transfer(conversation: string, to: api.Transfer): Promise<void> {
    await this.call("POST", `/v1/staff/conversations/${encodeURIComponent(conversation)}/transfer`, to);
  }

  /** Goes into a chat that is closed to the person, in an emergency; gives until when. */
  async breakGlass(conversation: string, reason: string, words: string): Promise<number> {
    const asked: api.BreakGlass = { reason, words };
    const body: Untrusted<api.Emergency> = await this.server.make(`/v1/staff/conversations/${encodeURIComponent(conversation)}/break-glass`, asked);
    return number(body.ends_at);
  }

  async practice(slug: string): Promise<Practice> {
    return readPractice(await this.call("GET", `/v1/practices/${encodeURIComponent(slug)}`));
  }

  private call(method: string, path: Path, body?: unknown): Promise<Record<string, unknown>> {
    return this.server.call(method, path, body);
  }
}

function readPerson(body: unknown): StaffPerson {
  const person: Untrusted<api.Person> = isRecord(body) ? body : {};
  const id = text(person.id);
  if (id === "") throw new Refused("internal");
  return { id, role: text(person.role), name: text(person.name) };
}

function readSession(body: Untrusted<api.StaffSession>): StaffSession {
  return {
    practice: text(body.practice),
    person: readPerson(body.person),
    login: text(body.login),
    expires_at: number(body.expires_at),
    idle_at: number(body.idle_at),
    idle_seconds: number(body.idle_seconds),
    locked: body.locked === true,
    password_expired: body.password_expired === true,
    has_passkey: body.has_passkey === true,
    ...(text(body.sso) === "" ? {} : { sso: text(body.sso) }),
    new_sign_ins: number(body.new_sign_ins),
    new_devices: number(body.new_devices),
    emergencies: number(body.emergencies),
    alerts: number(body.alerts),
    approvals: number(body.approvals),
    stated_grants: list(body.stated_grants)
      .filter(isRecord)
      .filter(({ relation }) => isRecord(relation))
      .map((g) => g as unknown as api.StatedGrant),
    reviews: number(body.reviews),
    may: list(body.may).map(text),
  };
}

function readPolicy(body: unknown): api.PasswordPolicy {
  const policy: Untrusted<api.PasswordPolicy> = isRecord(body) ? body : {};
  return { min_length: number(policy.min_length), classes: number(policy.classes), expiry_days: number(policy.expiry_days) };
}

function readOffer(body: unknown): AppOffer {
  const offer: Untrusted<api.AppOffer> = isRecord(body) ? body : {};
  return { offer: text(offer.offer), secret: text(offer.secret), address: text(offer.address) };
}

function readPractice(body: Untrusted<api.Practice>): Practice {
  return {
    slug: text(body.slug),
    name: text(body.name),
    phone: text(body.phone),
    time_zone: text(body.time_zone),
    languages: list(body.languages).map(text),
    demo: body.demo === true,
    ...(text(body.staff_sso) === "" ? {} : { staff_sso: text(body.staff_sso) }),
    wait_minutes: number(body.wait_minutes),
    queues: list(body.queues).filter(isRecord).map(readQueue),
    max_file_bytes: number(body.max_file_bytes),
    recall_minutes: number(body.recall_minutes),
    record_numbers: list(body.record_numbers).map(text),
  };
}

const levels = ["guest", "contact", "matched", "signed-in"] as const;

function readQueue(queue: Untrusted<api.Queue>): Queue {
  const level = levels.find((known) => known === queue.level);
  return { id: text(queue.id), reason: texts(queue.reason), ...(level ? { level } : {}) };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function texts(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, text(v)]));
}

/** An address that a page may send its browser to. */
function safeAddress(address: string): string | undefined {
  return /^https?:\/\//.test(address) && URL.canParse(address) ? address : undefined;
}
