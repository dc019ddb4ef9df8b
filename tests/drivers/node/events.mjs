// What a runtime tells of its tasks, kept for the runner.
import { number } from './options.mjs';
import { toOptions } from './tokens.mjs';

/** Listens, if the options say so. What it gives tells `MISSED N EVENT*N`. */
export function listen(runtime, tokens) {
  const { events: capacity } = toOptions(tokens);
  const heard = [];
  const listening =
    capacity === undefined
      ? undefined
      : runtime.onTaskEvent((event) => heard.push(fromEvent(event)), { capacity: number(capacity) });
  return () => [listening?.missed ?? 0, heard.length, ...heard];
}

function fromEvent({ side, kind, id, caller, routine, step, status }) {
  return [side, kind, id, caller ?? '-', routine, step ?? '-', status ?? '-'].join('/');
}
