// Maps and broadcasts, as the runner asks for them.
import { fromValue } from './tokens.mjs';

/** Maps that run, by the ids of their commands. */
const maps = new Map();

/** Leaves the map of a command, if there is one. */
export function leave(id) {
  maps.get(id)?.return();
}

export async function map(id, pool, [routine, inFlight, order, limit, inputs, options]) {
  const outcomes = [];
  const mapped = pool.map(routine, inputs, { ...options, inFlight: Number(inFlight), ordered: order === 'ordered' });
  maps.set(id, mapped);
  try {
    for await (const { index, value, error } of mapped) {
      outcomes.push(fromOutcome(index, value, error));
      if (outcomes.length === Number(limit)) {
        break;
      }
    }
  } finally {
    maps.delete(id);
  }
  const { total, done, failed } = mapped.progress;
  return ['mapped', total, done, failed, outcomes.length, ...outcomes];
}

export async function broadcast(pool, routine, args, options) {
  const outcomes = [];
  for await (const { worker, value, error } of pool.broadcast(routine, args, options)) {
    outcomes.push(fromOutcome(worker, value, error));
  }
  return ['broadcast', outcomes.length, ...outcomes.sort()];
}

function fromOutcome(whose, value, error) {
  return error === undefined ? `${whose}=${fromValue(value)}` : `${whose}!${error.kind ?? 'TASK_FAILED'}`;
}
