// Processes that a test looks at from outside.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const WATCHDOG_MS = 60_000;
const BETWEEN_LOOKS_MS = 10;

/** Looks until `see` gives something true, and gives that. */
export async function until(what, see) {
  for (const end = Date.now() + WATCHDOG_MS; Date.now() < end; await pause(BETWEEN_LOOKS_MS)) {
    const seen = await see();
    if (seen) {
      return seen;
    }
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Whether a process runs. One that only has not been reaped does not. */
export function isRunning(pid) {
  try {
    const [, state] = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return state !== 'Z' && state !== 'X';
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') {
      return false;
    }
    throw error;
  }
}

export function allEnded(pids) {
  return until(`the end of ${pids.join(', ')}`, () => !pids.some(isRunning));
}
