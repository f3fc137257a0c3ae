// The time, once a second, for everything that shows how long something waits.
// It rests while the page is hidden.

let current = $state(Date.now());

/** Unix milliseconds. Reading it in a component makes the component follow it. */
export function now(): number {
  return current;
}

/** Keeps the time going; returns what stops it. */
export function tick(): () => void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const rest = () => {
    clearInterval(timer);
    timer = undefined;
    if (document.visibilityState === "hidden") return;
    current = Date.now();
    timer = setInterval(() => (current = Date.now()), 1000);
  };
  rest();
  document.addEventListener("visibilitychange", rest);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", rest);
  };
}
