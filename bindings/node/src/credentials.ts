import { type CredentialsOptions, nativeCredentials } from './credentials-options.js';
import { WoolError } from './errors.js';
import { type CredentialsHandle, native } from './native.js';
import { invalid, texts, wait } from './options.js';
import { Provider } from './provider.js';

/** Milliseconds between two answers of a function that provides credentials. */
const POLL = 10_000;

/** How a function is asked for credentials, see {@link Credentials.provided}. */
export interface ProvidedOptions {
  /** How long after each answer it is asked again, milliseconds, instead of the `poll` that it gives. Default 10,000. */
  poll?: number | undefined;
}

/**
 * What a process presents to its peers, and whom it believes: TLS between workers and pools, which may share them. They
 * are renewed for all of these without a restart: when their files change, or by {@link update}. Connections made from
 * then on are by the new ones, sessions of before are drained, and what runs there goes on to its end.
 *
 * ```ts
 * const credentials = new Credentials({ caFile: 'ca.pem', certificateFile: 'own.pem', keyFile: 'own.key' });
 * await runtime.serve({ credentials, bind: '0.0.0.0:7000' });
 * const pool = new WorkerPool({ credentials, addresses: ['worker.example:7000'] });
 * ```
 */
export class Credentials implements Disposable {
  readonly #handle: CredentialsHandle;
  /** Of those that a function provides, until they are closed. */
  #provider: Provider | undefined;

  /**
   * @throws {WoolError} `INVALID_ARGUMENT` for a part that is left out, given twice or no PEM, and for a key that is not
   * that of the certificate; `IO` for a file that cannot be read. The message names the part
   */
  constructor(options: CredentialsOptions) {
    this.#provider = options instanceof Provider ? options : undefined;
    this.#handle = this.#provider?.handle ?? native.createCredentials(nativeCredentials(options));
  }

  /**
   * Credentials that a function of the program's own gives, which may ask a secret store. It is asked again every `poll`,
   * never twice at once, until {@link close}; that alone does not keep the process alive. What is new is taken as by
   * {@link update}. Where the function fails, or what it gives cannot be used, those of before stay: {@link problem} says
   * why, and so does a warning of the process, once.
   *
   * ```ts
   * const credentials = await Credentials.provided(async () => {
   *   const { ca, certificate, key } = await vault.read('farm/worker');
   *   return { ca, certificate, key };
   * });
   * ```
   *
   * @throws {WoolError} for what it gives at first, as the constructor; `IO` when it fails, with what it threw as the
   *   cause. A {@link WoolError} of its own stays what it is
   */
  static async provided(
    provide: () => CredentialsOptions | PromiseLike<CredentialsOptions>,
    options: ProvidedOptions = {},
  ): Promise<Credentials> {
    if (typeof provide !== 'function') {
      throw invalid(`credentials are provided by a function, not ${typeof provide}`);
    }
    const poll = wait('poll', options.poll) ?? POLL;
    return new Credentials((await Provider.start(provide, poll)) as CredentialsOptions);
  }

  /**
   * Takes others instead. Files need no call, and a function that provides them is asked no more.
   *
   * @returns whether they are others than before; the same again disturb nobody
   * @throws {WoolError} as the constructor; the ones before stay
   */
  update(options: CredentialsOptions): boolean {
    const renewed = native.updateCredentials(this.#handle, nativeCredentials(options));
    this.close();
    return renewed;
  }

  /**
   * Looks at the files now. {@link renew} is for those that a function provides.
   *
   * @returns whether they have changed
   * @throws {WoolError} as the constructor; the ones before stay
   */
  reload(): boolean {
    return native.reloadCredentials(this.#handle);
  }

  /**
   * Asks the function that provides them now, or looks at the files where there is none.
   *
   * @returns settled when they are in use: whether they are others than before
   * @throws {WoolError} as {@link provided}; the ones before stay
   */
  async renew(): Promise<boolean> {
    return this.#provider === undefined ? this.reload() : this.#provider.ask();
  }

  /**
   * Why the files as they are now, or what a function provides, cannot be used, where that is so: those of before are
   * still in use.
   */
  get problem(): WoolError | undefined {
    if (this.#provider?.problem !== undefined) {
      return this.#provider.problem;
    }
    try {
      native.checkCredentials(this.#handle);
      return undefined;
    } catch (error) {
      if (error instanceof WoolError) {
        return error;
      }
      throw error;
    }
  }

  /** Ends the asking of a function that provides them. They stay as they are, also where they are used. Idempotent. */
  close(): void {
    this.#provider?.close();
    this.#provider = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal @throws {WoolError} `INVALID_ARGUMENT` for what is none */
  static handleOf(credentials: Credentials | undefined): CredentialsHandle | undefined {
    if (credentials !== undefined && !(credentials instanceof Credentials)) {
      // What it is instead is not shown: it may hold a key.
      throw invalid('credentials are new Credentials(...), or what Credentials.provided(...) has given');
    }
    return credentials === undefined ? undefined : credentials.#handle;
  }
}

/**
 * Routines and patterns by turns, as libwool takes them.
 *
 * @throws {WoolError} `INVALID_ARGUMENT`
 */
export function routineCallers(
  rules: Readonly<Record<string, readonly string[]>> | undefined,
): readonly string[] | undefined {
  if (rules === undefined) {
    return undefined;
  }
  if (typeof rules !== 'object' || rules === null || Symbol.iterator in rules) {
    throw invalid('routineCallers is an object: routines, and the patterns of those who may call each');
  }
  return Object.entries(rules).flatMap(([routine, patterns]) => {
    const checked = patternsOf(`routineCallers[${JSON.stringify(routine)}]`, patterns ?? null) ?? [];
    return checked.flatMap((pattern) => [routine, pattern]);
  });
}

/** Those who are let in. An empty list would let all in. @throws {WoolError} `INVALID_ARGUMENT` */
export function patternsOf(name: string, patterns: readonly string[] | undefined): readonly string[] | undefined {
  if (texts(name, patterns)?.length === 0) {
    throw invalid(`${name} is empty: say who is let in, or leave it out and let in all`);
  }
  return patterns;
}
