// What is said to people who listen to the page. Each app has one polite and
// one assertive region (LiveRegions.svelte), and everything is said through them.

type Urgency = "polite" | "assertive";

export const spoken = $state<Record<Urgency, { text: string; turn: number }>>({
  polite: { text: "", turn: 0 },
  assertive: { text: "", turn: 0 },
});

/** Says it once. The same words twice are said twice. */
export function announce(text: string, urgency: Urgency = "polite"): void {
  spoken[urgency] = { text, turn: spoken[urgency].turn + 1 };
}
