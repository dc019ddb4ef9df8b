import type { NativeCredentialsOptions } from './native.js';
import { invalid, wait } from './options.js';

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

/** As libwool takes them, with copies of what may be changed. @throws {WoolError} `INVALID_ARGUMENT` */
export function nativeCredentials(options: CredentialsOptions): NativeCredentialsOptions {
  if (typeof options !== 'object' || options === null) {
    throw invalid('credentials are made of an object with ca, certificate, key and so on');
  }
  return {
    ca: pem('ca', options.ca),
    certificate: pem('certificate', options.certificate),
    key: pem('key', options.key),
    crl: pem('crl', options.crl),
    caFile: path('caFile', options.caFile),
    certificateFile: path('certificateFile', options.certificateFile),
    keyFile: path('keyFile', options.keyFile),
    crlFile: path('crlFile', options.crlFile),
    oneWay: flag('oneWay', options.oneWay),
    poll: wait('poll', options.poll),
  };
}

// None of these messages holds the value: it may be a key.

function pem(name: string, value: string | Uint8Array | undefined): Uint8Array | undefined {
  if (value !== undefined && typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw invalid(`${name} is PEM, as a string or bytes`);
  }
  return value === undefined ? undefined : Buffer.from(value as Uint8Array);
}

function path(name: string, value: string | undefined): string | undefined {
  if (value !== undefined && typeof value !== 'string') {
    throw invalid(`${name} is the path of a file, a string`);
  }
  return value;
}

function flag(name: string, value: boolean | undefined): boolean | undefined {
  if (value !== undefined && typeof value !== 'boolean') {
    throw invalid(`${name} is true or false`);
  }
  return value;
}
