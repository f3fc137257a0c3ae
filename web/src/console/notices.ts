import type { Notice, PersonId } from "../core/shared/protocol.ts";
import { t } from "../ui/words.svelte.ts";

/** A line of the log that is not a message, in words. */
export function noticeWords(
  notice: Notice,
  me: PersonId,
  nameOf: (person: PersonId) => string,
  isService: (person: PersonId) => boolean,
): string {
  switch (notice.kind) {
    case "joined":
      if (notice.person === me) return t("console.notice.joinedMe");
      if (isService(notice.person)) return t("console.notice.archive", { name: nameOf(notice.person) });
      return t("console.notice.joined", { name: nameOf(notice.person) });
    case "left":
      return notice.person === me ? t("console.notice.leftMe") : t("console.notice.left", { name: nameOf(notice.person) });
    case "removed":
      return notice.person === me ? t("console.notice.removedMe") : t("console.notice.removed", { name: nameOf(notice.person) });
    case "device-added":
      return t("console.notice.deviceAdded", { name: nameOf(notice.person) });
    case "device-removed":
      return t("console.notice.deviceRemoved", { name: nameOf(notice.person) });
    case "closed":
      if (notice.person === undefined) return t("console.notice.closedNobody");
      return notice.person === me ? t("console.notice.closedMe") : t("console.notice.closed", { name: nameOf(notice.person) });
    case "reopened":
      if (notice.person === undefined) return t("console.notice.reopenedNobody");
      return notice.person === me ? t("console.notice.reopenedMe") : t("console.notice.reopened", { name: nameOf(notice.person) });
    case "emergency":
      return t("console.notice.emergency", { name: nameOf(notice.person) });
    case "history-shared":
      return t("console.notice.history", { name: nameOf(notice.person), count: notice.count });
    case "gap":
      return t("console.notice.gap");
    case "refused":
      return t("console.notice.refused", { rule: notice.rule });
  }
}
