// A short soft chime, made here: there is no sound file to load.

let context: AudioContext | undefined;

export function chime(): void {
  try {
    context ??= new AudioContext();
    // Browsers allow sound once the person has touched the page.
    if (context.state === "suspended") {
      void context.resume();
      return;
    }
    const start = context.currentTime;
    for (const [delay, pitch] of [
      [0, 660],
      [0.12, 880],
    ] as const) {
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0, start + delay);
      volume.gain.linearRampToValueAtTime(0.08, start + delay + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + delay + 0.35);
      tone.connect(volume).connect(context.destination);
      tone.start(start + delay);
      tone.stop(start + delay + 0.4);
    }
  } catch {
    // A chat without sound is still a chat.
  }
}
