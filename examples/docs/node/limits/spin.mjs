// Computes for long. A thread looks at its task's cancellation while it does.
import { currentTask } from 'libwool';

export function spin(turns) {
  let yarn = 0;
  for (let turn = 1; turn <= turns; turn++) {
    if (currentTask().cancelled) throw currentTask().signal.reason;
    yarn = (yarn * 31 + turn) % 1_000_003;
  }
  return yarn;
}
