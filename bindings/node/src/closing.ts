import type { WoolError } from './errors.js';
import type { CompletionQueue, Waiter } from './queue.js';

/** Submits the closing of something and waits for it. `submit` is given the tag. */
export async function closing(queue: CompletionQueue, submit: (tag: number) => void): Promise<void> {
  await ended(queue, (tag) => {
    submit(tag);
    return true;
  });
}

/**
 * Waits for the end of what `submit` begins. It is given the tag, and says whether there is an end to wait for, which
 * is what this gives.
 */
export function ended(queue: CompletionQueue, submit: (tag: number) => boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const tag = queue.tagFor(new Ending(queue, () => resolve(true), reject));
    let begun = false;
    try {
      begun = submit(tag);
    } finally {
      if (!begun) {
        queue.forget(tag);
      }
    }
    if (begun) {
      queue.hold();
    } else {
      resolve(false);
    }
  });
}

class Ending implements Waiter {
  constructor(
    private readonly queue: CompletionQueue,
    private readonly resolve: () => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  onEvent(_kind: number, index: number, queue: CompletionQueue): boolean {
    queue.release();
    const failure = queue.failureAt(index);
    if (failure === undefined) {
      this.resolve();
    } else {
      this.reject(failure);
    }
    return true;
  }

  /** The runtime has closed, and with it what was to end. */
  onGone(_error: WoolError): void {
    this.queue.release();
    this.resolve();
  }
}
