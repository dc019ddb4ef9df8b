// Certificates of a development CA, and workers with them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

import { currentTask } from 'libwool';

import { runtimeFor } from './pools.mjs';

const CERTS = fileURLToPath(new URL('../../../../target/release/wool-certs', import.meta.url));

// Removed after the last test of the file, when nobody reads them any more.
const folders = mkdtempSync(join(tmpdir(), 'wool-certs-'));
after(() => rmSync(folders, { recursive: true }));

/**
 * Makes a folder with ca.pem, and certificates and keys of these names, each for its DNS names and URIs. What it gives
 * is the path of a file there.
 */
export function certificates(names) {
  const folder = mkdtempSync(join(folders, '-'));
  for (const [name, held] of Object.entries(names)) {
    execFileSync(CERTS, [folder, name, ...held]);
  }
  return (file) => join(folder, file);
}

/** Credentials by one of them, as texts and bytes. */
export const own = (file, name) => ({
  ca: readFileSync(file('ca.pem'), 'utf8'),
  certificate: readFileSync(file(`${name}.pem`)),
  key: readFileSync(file(`${name}.key`)),
});

/** A worker with two routines: `peer` tells who calls. */
export function served(t, options) {
  const runtime = runtimeFor(t);
  runtime.register('peer', () => currentTask()?.peer);
  runtime.register('secret', () => 'told');
  return runtime.serve(options);
}
