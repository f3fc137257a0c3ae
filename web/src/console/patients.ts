// What staff do about patients as persons, beside the chats: one-time links, who
// writes for whom, who is who. Nothing that is said passes through here.

import type * as api from "../api/schema.ts";
import type { ConversationId } from "../core/shared/protocol.ts";
import type { Server } from "../staff/server.ts";
import type { Held, HoldReason } from "./model/holdback.ts";

export type Panel = api.PatientPanel;
export type Relation = api.Relation;
export type Invitation = api.StaffInvitation;
export type Consent = api.ConversationConsents["consents"][number];
export type Verification = api.PatientVerification;

export class Patients {
  constructor(private readonly server: Server) {}

  private async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    return (await (method === "POST" ? this.server.make(path, body) : this.server.call(method, path, body))) as unknown as T;
  }

  panel(id: ConversationId): Promise<Panel> {
    return this.ask("GET", `/v1/staff/conversations/${id}/patient`);
  }

  async consents(id: ConversationId): Promise<readonly Consent[]> {
    return (await this.ask<api.ConversationConsents>("GET", `/v1/staff/conversations/${id}/consents`)).consents;
  }

  verification(id: ConversationId): Promise<Verification> {
    return this.ask("GET", `/v1/staff/conversations/${id}/verification`);
  }

  /** Asks the patient to show who they are, states how staff made sure, or gives new tries. */
  verify(id: ConversationId, act: "ask" | "confirm" | "reset" | "forget-passkeys" | "portal" | "portal/unlink", body?: object): Promise<Verification> {
    return this.ask("POST", `/v1/staff/conversations/${id}/verification/${act}`, body);
  }

  /** Says that something was sent after a warning, and why. It must be recorded before it goes. */
  async heldBack(id: ConversationId, kinds: readonly Held[], reason: HoldReason): Promise<void> {
    const body: api.HoldBack = { kinds: [...kinds], reason };
    await this.ask("POST", `/v1/staff/conversations/${id}/hold-backs`, body);
  }

  invite(invitation: api.NewInvitation): Promise<api.InvitationMade> {
    return this.ask("POST", "/v1/staff/invitations", invitation);
  }

  invitations(): Promise<api.StaffInvitations> {
    return this.ask("GET", "/v1/staff/invitations");
  }

  revoke(id: string): Promise<Invitation> {
    return this.ask("POST", `/v1/staff/invitations/${id}/revoke`, {});
  }

  grant(relation: api.NewRelation): Promise<Relation> {
    return this.ask("POST", "/v1/staff/relations", relation);
  }

  end(id: string, reason: NonNullable<Relation["end_reason"]>): Promise<Relation> {
    return this.ask("POST", `/v1/staff/relations/${id}/end`, { reason });
  }

  link(link: api.NewPersonLink): Promise<api.PersonLink> {
    return this.ask("POST", "/v1/staff/person-links", link);
  }

  unlink(id: string, reason: api.UndoPersonLink["reason"]): Promise<api.PersonLink> {
    return this.ask("POST", `/v1/staff/person-links/${id}/undo`, { reason } satisfies api.UndoPersonLink);
  }

  hide(id: ConversationId, confidential: boolean): Promise<api.Conversation> {
    return this.ask("PUT", `/v1/staff/conversations/${id}/confidential`, { confidential });
  }
}
