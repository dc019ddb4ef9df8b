// Places for the records of local discovery, removed after the last test of the file, when all pools have closed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { LocalDiscovery } from 'libwool';

const records = mkdtempSync(join(tmpdir(), 'wool-'));
after(() => rmSync(records, { recursive: true }));

/** A discovery that nobody else uses. */
export function discovery() {
  return new LocalDiscovery('test', { directory: mkdtempSync(join(records, '-')) });
}
