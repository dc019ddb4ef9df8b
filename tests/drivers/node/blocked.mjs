// What the threads of `conf.block` and the main thread share: [how many block now, in which round; started; finished].
const COUNT_BITS = 16;
const COUNT_MASK = (1 << COUNT_BITS) - 1;

export function newShared() {
  return new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
}

/** Blocks this thread until the round is over. */
export function block(shared) {
  Atomics.add(shared, 1, 1);
  const round = Atomics.add(shared, 0, 1) >> COUNT_BITS;
  for (let now = Atomics.load(shared, 0); now >> COUNT_BITS === round; now = Atomics.load(shared, 0)) {
    Atomics.wait(shared, 0, now);
  }
  Atomics.add(shared, 2, 1);
}

/** Begins the next round; gives how many were blocked. */
export function unblock(shared) {
  for (let now = Atomics.load(shared, 0); ; now = Atomics.load(shared, 0)) {
    const next = ((now >> COUNT_BITS) + 1) << COUNT_BITS;
    if (Atomics.compareExchange(shared, 0, now, next) === now) {
      Atomics.notify(shared, 0);
      return now & COUNT_MASK;
    }
  }
}

/** Tasks that have begun in the threads, and ended. */
export function counted(shared) {
  return { started: Atomics.load(shared, 1), finished: Atomics.load(shared, 2) };
}
