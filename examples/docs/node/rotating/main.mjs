// A caller's certificate is renewed while it calls, as an operator would do it, and then spoilt. Those of certs are used.
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { Credentials, currentTask, Runtime, WorkerPool } from 'libwool';

const credentials = (folder, own) =>
  new Credentials({
    caFile: join(folder, 'ca.pem'),
    certificateFile: join(folder, `${own}.pem`),
    keyFile: join(folder, `${own}.key`),
    // How often the files are looked at.
    poll: 10_000,
  });

const runtime = new Runtime();
runtime.register('wool.caller', () => currentTask().peer.join(', '));
runtime.register('wool.shear', async function* () {
  for (let sheep = 1; sheep <= 3; sheep++) yield sheep;
});
const worker = await runtime.serve({ credentials: credentials('certs', 'worker') });

const folder = mkdtempSync(join(tmpdir(), 'wool-rotating-'));
const draft = join(folder, 'draft');

/** Makes one of certs the folder's own. A file is replaced whole: nobody reads half of it. */
function issue(name) {
  // The key first: whoever sees the new certificate finds its key.
  for (const ending of ['key', 'pem']) {
    copyFileSync(`certs/${name}.${ending}`, draft);
    renameSync(draft, join(folder, `own.${ending}`));
  }
}

copyFileSync('certs/ca.pem', join(folder, 'ca.pem'));
issue('caller');
const own = credentials(folder, 'own');
const pool = new WorkerPool({ runtime, addresses: [worker.address], credentials: own });

/** Calls until the worker sees this name. */
async function seenAs(name) {
  while ((await pool.call('wool.caller')) !== name) await pause(5);
  console.log(`called by ${name}`);
}

await seenAs('caller.wool.example');
let shorn = 0;
for await (const _ of pool.stream('wool.shear')) {
  if (shorn++ > 0) continue;
  issue('next');
  // They would be looked at within ten seconds; this does it now.
  console.log(`renewed: ${own.reload()}`);
  await seenAs('next.wool.example');
}
// What was running went on where it was.
console.log(`${shorn} sheep`);

writeFileSync(draft, 'nonsense');
renameSync(draft, join(folder, 'own.key'));
try {
  own.reload();
} catch (error) {
  console.log(`not renewed: ${error.kind}`);
}
// Also for those who come later: it is what a health check asks for.
console.log(`a problem: ${own.problem !== undefined}`);
// Those of before are still good.
await seenAs('next.wool.example');
await runtime.close();
rmSync(folder, { recursive: true });
