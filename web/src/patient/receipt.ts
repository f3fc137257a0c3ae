// A copy of an agreement for the person to keep: one page of plain HTML, which
// prints, and the same as data with the signature. Made here on their device.

import type { Agreement } from "../core/shared/protocol.ts";
import { date, moment } from "../ui/time.ts";
import { directionOf, t } from "../ui/words.svelte.ts";
import type { ConsentForm } from "./model/practice.ts";
import type { View } from "./view.svelte.ts";

const safe = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

export function receiptPage({ language, practiceName }: Pick<View, "language" | "practiceName">, mine: Agreement, form: ConsentForm): string {
  const text = form.texts[mine.language];
  if (!text) return "";
  const facts = [
    `${t("patient.consent.version", { version: form.version, date: date(language, form.published_at) })}`,
    t("patient.agreements.when", { when: moment(language, mine.at) }),
    ...(mine.withdrawnAt ? [t("patient.agreements.taken", { when: moment(language, mine.withdrawnAt) })] : []),
  ];
  const points = text.points.map((point) => `<li>${safe(point)}</li>`).join("");
  const full = text.full.split(/\n\s*\n/).map((part) => `<p>${safe(part)}</p>`).join("");
  return `<!doctype html><html lang="${safe(mine.language)}" dir="${directionOf(mine.language)}"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><meta name="viewport" content="width=device-width"><title>${safe(text.title)}</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}code{overflow-wrap:anywhere}small{color:#555}</style><p><b>${safe(practiceName)}</b></p><h1>${safe(text.title)}</h1><ul>${points}</ul>${full}<hr>${facts.map((fact) => `<p>${safe(fact)}</p>`).join("")}<small>${safe(mine.id)} · SHA-256 <code>${hex(mine.sha256)}</code> · ECDSA P-256 <code>${base64(mine.signature)}</code></small></html>\n`;
}

/** All that is needed to check the signature again (internal/consent). */
export function receiptData(mine: Agreement, form: ConsentForm): string {
  return `${JSON.stringify({ ...mine, sha256: hex(mine.sha256), signature: base64(mine.signature), text: form.texts[mine.language] }, null, 2)}\n`;
}
