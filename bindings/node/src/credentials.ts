import { WoolError } from './errors.js';
import { type CredentialsHandle, type NativeCredentialsOptions, native } from './native.js';
import { invalid, text, wait } from './options.js';

/**
 * What credentials are made of. Each part is PEM, as it is or in a file, which is read again when it changes; not both.
 */
export interface CredentialsOptions {
  /**
   * Certificates of the authorities that peers' certificates must lead to. A worker whose callers need none may leave it
   * out.
   */
  ca?: string | Uint8Array | undefined;
  /**
   * The own certificate, followed by those between it and its authority. A caller may leave it out, with its key, where
   * workers ask for none.
   */
  certificate?: string | Uint8Array | undefined;
  /** Its private key, not encrypted: PKCS #8, PKCS #1 or SEC 1. */
  key?: string | Uint8Array | undefined;
  /**
   * Lists of certificates that are revoked. With one, every certificate of a peer must be covered by a list that is not
   * over.
   */
  crl?: string | Uint8Array | undefined;
  /** The path of a file that holds the same. */
  caFile?: string | undefined;
  /** The path of a file that holds the same. */
  certificateFile?: string | undefined;
  /** The path of a file that holds the same. */
  keyFile?: string | undefined;
  /** The path of a file that holds the same. */
  crlFile?: string | undefined;
  /** A worker with these asks its callers for no certificate. Default false. */
  oneWay?: boolean | undefined;
  /** How often files are looked at, milliseconds. Default 10,000. */
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
export class Credentials {
  readonly #handle: CredentialsHandle;

  /**
   * @throws {WoolError} `INVALID_ARGUMENT` for a part that is left out, given twice or no PEM, and for a key that is not
   * that of the certificate; `IO` for a file that cannot be read. The message names the part
   */
  constructor(options: CredentialsOptions) {
    this.#handle = native.createCredentials(nativeOptions(options));
  }

  /** Takes others instead. Files need no call. @throws {WoolError} as the constructor; the ones before stay */
  update(options: CredentialsOptions): void {
    native.updateCredentials(this.#handle, nativeOptions(options));
  }

  /**
   * Looks at the files now.
   *
   * @returns whether they have changed
   * @throws {WoolError} as the constructor; the ones before stay
   */
  reload(): boolean {
    return native.reloadCredentials(this.#handle);
  }

  /** Why the files as they are now cannot be used, where that is so: those of before are still in use. */
  get problem(): WoolError | undefined {
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

  /** @internal @throws {WoolError} `INVALID_ARGUMENT` for what is none */
  static handleOf(credentials: Credentials | undefined): CredentialsHandle | undefined {
    if (credentials !== undefined && !(credentials instanceof Credentials)) {
      throw invalid(`credentials are new Credentials(...), not ${String(credentials)}`);
    }
    return credentials === undefined ? undefined : credentials.#handle;
  }
}

function nativeOptions(options: CredentialsOptions): NativeCredentialsOptions {
  if (typeof options !== 'object' || options === null) {
    throw invalid('credentials are made of an object with ca, certificate, key and so on');
  }
  return {
    ca: pem('ca', options.ca),
    certificate: pem('certificate', options.certificate),
    key: pem('key', options.key),
    crl: pem('crl', options.crl),
    caFile: text('caFile', options.caFile),
    certificateFile: text('certificateFile', options.certificateFile),
    keyFile: text('keyFile', options.keyFile),
    crlFile: text('crlFile', options.crlFile),
    oneWay: options.oneWay,
    poll: wait('poll', options.poll),
  };
}

function pem(name: string, value: string | Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined || value instanceof Uint8Array) {
    return value;
  }
  if (typeof value !== 'string') {
    throw invalid(`${name} is PEM, as a string or bytes`);
  }
  return Buffer.from(value);
}

/**
 * Routines and patterns by turns, as libwool takes them.
 *
 * @throws {WoolError} `INVALID_ARGUMENT`
 */
export function routineCallers(
  rules: Readonly<Record<string, readonly string[]>> | undefined,
): readonly string[] | undefined {
  return (
    rules &&
    Object.entries(rules).flatMap(([routine, patterns]) => {
      if (!Array.isArray(patterns) || !patterns.every((pattern) => typeof pattern === 'string')) {
        throw invalid(`routineCallers[${JSON.stringify(routine)}] is a list of strings`);
      }
      return patterns.flatMap((pattern: string) => [routine, pattern]);
    })
  );
}
