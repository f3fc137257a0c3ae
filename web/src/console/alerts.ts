// Sounds and desktop notices. Neither says who or what: a screen may be seen by
// anybody who walks by.

let audio: AudioContext | undefined;

/** Two soft notes; rising for a new chat, falling for a message. */
export function chime(kind: "waiting" | "message"): void {
  try {
    audio ??= new AudioContext();
    if (audio.state === "suspended") void audio.resume();
    const start = audio.currentTime + 0.02;
    const notes = kind === "waiting" ? [587.33, 880] : [783.99, 659.25];
    for (const [index, frequency] of notes.entries()) note(audio, frequency, start + index * 0.14);
  } catch {
    return; // no sound device, or the person has not touched the page yet
  }
}

function note(context: AudioContext, frequency: number, at: number): void {
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.type = "sine";
  tone.frequency.value = frequency;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.12, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.45);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.5);
}

export type Permission = "granted" | "denied" | "default" | "none";

export function noticePermission(): Permission {
  return typeof Notification === "undefined" ? "none" : Notification.permission;
}

export async function askPermission(): Promise<Permission> {
  if (typeof Notification === "undefined") return "none";
  return Notification.requestPermission();
}

/** Shows a notice of neutral words; a newer one takes its place. */
export function notice(text: string): void {
  if (noticePermission() !== "granted" || document.visibilityState === "visible") return;
  try {
    const shown = new Notification("Sotto", { body: text, tag: "sotto", silent: true });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  } catch {
    return; // some phones allow notices from service workers alone
  }
}
