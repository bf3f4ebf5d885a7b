// Waiting on conditions, never on time.

const DEADLINE_MS = 15_000;

// Asks `condition` again and again until what it returns is true, and returns that.
export async function until(what, condition) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = condition();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not true after ${DEADLINE_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
