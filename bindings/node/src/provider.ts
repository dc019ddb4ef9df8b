import { runOutside } from './ambient.js';
import { type CredentialsOptions, nativeCredentials } from './credentials-options.js';
import { WoolError } from './errors.js';
import { messageOf } from './errors-shown.js';
import { type CredentialsHandle, native, type NativeCredentialsOptions } from './native.js';

/** Gives credentials, see {@link Credentials.provided}. */
export type Provide = () => CredentialsOptions | PromiseLike<CredentialsOptions>;

/** The longest that a timer waits, milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** Asks a function for credentials over and over. Who began it may be collected: pools and workers go on with these. */
export class Provider {
  readonly handle: CredentialsHandle;
  readonly #provide: Provide;
  readonly #poll: number;
  #problem: WoolError | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Settles when what is asked now has been answered. */
  #asked: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(provide: Provide, poll: number, first: NativeCredentialsOptions) {
    this.handle = native.createCredentials(first);
    this.#provide = provide;
    this.#poll = poll;
    this.#wait();
  }

  /** Settles when it has been asked once. @param poll milliseconds @throws {WoolError} */
  static async start(provide: Provide, poll: number): Promise<Provider> {
    return runOutside(async () => new Provider(provide, poll, await provided(provide, poll)));
  }

  /** Why the last answer is not what is in use. */
  get problem(): WoolError | undefined {
    return this.#problem;
  }

  /** Asks now, after what is being asked. @returns whether they are others than before @throws {WoolError} */
  ask(): Promise<boolean> {
    const answered = this.#asked.then(() => this.#ask());
    this.#asked = answered.catch(() => {});
    return answered;
  }

  /** Asks no more, and takes nothing that is on its way. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    if (!this.#closed) {
      const again = (): void => void this.ask().catch(() => {}).then(() => this.#wait());
      this.#timer = runOutside(() => setTimeout(again, Math.min(this.#poll, LONGEST)).unref());
    }
  }

  async #ask(): Promise<boolean> {
    this.#checkOpen();
    try {
      const answer = await runOutside(() => provided(this.#provide, this.#poll));
      this.#checkOpen();
      const renewed = native.updateCredentials(this.handle, answer);
      this.#problem = undefined;
      return renewed;
    } catch (error) {
      if (!this.#closed) {
        this.#report(error as WoolError);
      }
      throw error;
    }
  }

  #report(problem: WoolError): void {
    const isKnown = this.#problem?.message === problem.message;
    this.#problem = problem;
    if (!isKnown) {
      process.emitWarning(`credentials could not be renewed, those before stay: ${problem.message}`, 'WoolWarning');
    }
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new WoolError('CLOSED', 'the credentials are closed: their function is asked no more');
    }
  }
}

/** Never rejects with anything else than a WoolError. */
async function provided(provide: Provide, poll: number): Promise<NativeCredentialsOptions> {
  let parts: CredentialsOptions;
  try {
    parts = await provide();
  } catch (thrown) {
    if (thrown instanceof WoolError) {
      throw thrown;
    }
    throw new WoolError('IO', `the credentials are not provided: ${messageOf(thrown)}`, { cause: thrown });
  }
  return { ...nativeCredentials(parts), poll };
}
