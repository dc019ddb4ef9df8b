// What happens to a call and to a stream, at their caller and at their worker.
import { Runtime, WorkerPool } from 'libwool';

const runtime = new Runtime();
runtime.register('wool.card', (n) => n);
runtime.register('wool.spin', async function* (n) {
  for (let i = 0; i < n; i++) {
    yield i;
  }
});

// This runtime calls and serves, and tells of both.
const events = [];
let listening;
const ended = new Promise((resolve) => {
  listening = runtime.onTaskEvent((event) => {
    events.push(event);
    // Of two tasks, at both sides.
    if (events.filter(({ kind }) => kind === 'task-completed').length === 4) {
      resolve();
    }
  });
});

const worker = await runtime.serve();
const pool = new WorkerPool({ runtime, addresses: [worker.address] });
await pool.call('wool.card', [1]);
for await (const _ of pool.stream('wool.spin', [2])) {
  // It spins.
}
await ended;
listening.close();

// The first step may be asked for before the call is given to a worker, or after.
const rank = ({ kind }) => ({ 'task-created': 0, 'task-scheduled': 1 })[kind] ?? 2;
events.sort((one, other) => rank(one) - rank(other));

for (const routine of ['wool.card', 'wool.spin']) {
  for (const side of ['caller', 'worker']) {
    for (const event of events.filter((each) => each.routine === routine && each.side === side)) {
      console.log([side, event.kind, event.step ?? event.status].filter(Boolean).join(' '));
    }
  }
}
await runtime.close();
