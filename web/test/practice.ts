// A made-up practice, as the hub gives it out.

import { parsePractice, type Practice } from "../src/patient/model/practice.ts";

export function practiceAnswer(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: "pr_riverside",
    slug: "riverside",
    name: "Riverside Family Clinic",
    phone: "(555) 010-0100",
    time_zone: "America/New_York",
    country: "US",
    languages: ["en", "es", "ar"],
    brand_color: "#0b6b6f",
    demo: true,
    open: true,
    staffed: true,
    wait_minutes: 5,
    authority_key: "BAAA",
    suite: 61441,
    queues: [
      { id: "q_general", readers: ["Nurse"], open: true, reason: { en: "A health question", es: "Una pregunta de salud", ar: "سؤال صحي" } },
      { id: "q_rx", readers: ["Nurse", "Physician"], open: true, reason: { en: "Medicine or refill", es: "Medicina o receta", ar: "دواء أو وصفة" } },
      { id: "q_visit", readers: ["Front desk"], open: true, reason: { en: "My next visit", es: "Mi próxima cita", ar: "موعدي القادم" } },
    ],
    consent: {
      id: "form",
      kind: "chat",
      version: 3,
      published_at: Date.UTC(2026, 2, 2),
      texts: {
        en: {
          title: "Before we start",
          points: [
            "Your care team reads this chat. It may become part of your health record.",
            "It is locked on your device. It opens only for your team.",
            "It is not for emergencies. Call 911.",
          ],
          full: "You choose if you want to chat.\n\nYou can take your consent back at any time.\n\nHow long we keep it: As long as the law tells us to keep your health record.",
          kept: "How long we keep it: As long as the law tells us to keep your health record.",
          sha256: "AAAA",
        },
        es: {
          title: "Antes de empezar",
          points: [
            "Su equipo de atención lee este chat. Puede ser parte de su historia clínica.",
            "Se cierra con llave en su dispositivo. Se abre solo para su equipo.",
            "No es para emergencias. Llame al 911.",
          ],
          full: "Usted decide si quiere chatear.\n\nPuede retirar su consentimiento cuando quiera.\n\nCuánto tiempo lo guardamos: El tiempo que la ley pide guardar su expediente médico.",
          kept: "Cuánto tiempo lo guardamos: El tiempo que la ley pide guardar su expediente médico.",
          sha256: "AAAA",
        },
        ar: {
          title: "قبل أن نبدأ",
          points: ["يقرأ فريق رعايتك هذه المحادثة. وقد تصبح جزءًا من سجلك الصحي.", "تُقفل على جهازك، ولا تُفتح إلا لفريقك.", "ليست للطوارئ. اتصل بالرقم 911."],
          full: "أنت من يقرر إن كنت تريد المحادثة.\n\nيمكنك سحب موافقتك في أي وقت.\n\nمدة الحفظ: المدة التي يطلب القانون فيها حفظ سجلك الصحي.",
          kept: "مدة الحفظ: المدة التي يطلب القانون فيها حفظ سجلك الصحي.",
          sha256: "AAAA",
        },
      },
    },
    forms: [{ id: "form", kind: "chat", version: 3, queues: [], in_addition: false, needed: true }],
    max_file_bytes: 25_000_000,
    archive_note: "keeper",
    recall_minutes: 60,
    majority: 18,
    idle_minutes_patient: 15,
    ...change,
  };
}

export function practice(change: Record<string, unknown> = {}): Practice {
  return parsePractice(practiceAnswer(change));
}
