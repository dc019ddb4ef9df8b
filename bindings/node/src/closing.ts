import type { WoolError } from './errors.js';
import type { CompletionQueue, Waiter } from './queue.js';

/** Submits the closing of something and waits for it. `submit` is given the tag. */
export function closing(queue: CompletionQueue, submit: (tag: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const tag = queue.tagFor(new Closing(queue, resolve, reject));
    try {
      submit(tag);
    } catch (error) {
      queue.forget(tag);
      throw error;
    }
    queue.hold();
  });
}

class Closing implements Waiter {
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

  /** The runtime has closed, and with it what was to be closed. */
  onGone(_error: WoolError): void {
    this.queue.release();
    this.resolve();
  }
}
