// A worker and a pool in this process.
import { Runtime, WorkerPool } from 'libwool';

/** A runtime that serves what `register` registers, and a pool of that one worker; closed after the test. */
export async function peers(t, register, { runtime: options, ...workerOptions } = {}) {
  const runtime = new Runtime(options);
  t.after(() => runtime.close());
  register(runtime);
  const worker = await runtime.serve(workerOptions);
  const pool = new WorkerPool({ runtime, addresses: [worker.address] });
  return { runtime, worker, pool };
}

/** A promise and what opens it. */
export function gate() {
  let open;
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Settles when `signal` aborts. */
export function aborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}

/** All items of a stream. */
export async function collect(stream) {
  const items = [];
  for await (const item of stream) {
    items.push(item);
  }
  return items;
}
