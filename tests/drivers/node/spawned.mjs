// `driver spawned`: the program that a pool starts as its worker.
import { writeSync } from 'node:fs';

import { main, Runtime } from '../../../bindings/node/dist/index.mjs';
import { registerRoutines } from './routines.mjs';
import { say, toOptions, toText } from './tokens.mjs';

export async function runSpawned(tokens) {
  const { crash } = toOptions(tokens);
  if (crash !== undefined) {
    writeSync(process.stderr.fd, crash);
    process.exit(3);
  }
  const runtime = new Runtime({ exactFloats: true });
  registerRoutines(runtime);
  await main(runtime, async () => {
    await runtime.close();
    say('error', 'UNSUPPORTED', toText('no pool has started this program: it is to be a worker'));
  });
}
