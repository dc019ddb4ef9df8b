// A program that starts a worker, calls it, and asks it to end while it has something to do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { LocalDiscovery, WorkerPool } from 'libwool';

const directory = mkdtempSync(join(tmpdir(), 'wool-worker-'));
const program = fileURLToPath(new URL('./worker.mjs', import.meta.url));
const worker = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'inherit', 'inherit'] });
const ended = once(worker, 'exit');

const pool = new WorkerPool({ discovery: new LocalDiscovery('shearing', { directory }) });
let asked = false;
for await (const sheep of pool.stream('wool.shear', [3])) {
  console.log(sheep);
  asked ||= worker.kill('SIGTERM');
}
await ended;
console.log('the worker has ended');
await pool.close();
rmSync(directory, { recursive: true });
