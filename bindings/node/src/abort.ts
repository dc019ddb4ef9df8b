/** One listener per signal, however many calls it can cancel: signals warn of many listeners, and look through them. */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `callback` when `signal` aborts, which it has not done yet. The result undoes it. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let set = callbacks.get(signal);
  if (set === undefined) {
    const created = new Set<() => void>();
    set = created;
    callbacks.set(signal, created);
    signal.addEventListener('abort', () => created.forEach((call) => call()), { once: true });
  }
  const all = set;
  all.add(callback);
  return () => {
    all.delete(callback);
  };
}
