// `driver worker`: serves the standard routines.
import { Runtime } from '../../../bindings/node/dist/index.mjs';
import { listen } from './events.mjs';
import { number, workerOptions } from './options.mjs';
import { counted, registerRoutines } from './routines.mjs';
import { commands, say, toOptions, toText } from './tokens.mjs';

export async function runWorker(tokens) {
  const runtime = new Runtime({ exactFloats: true });
  try {
    await serve(runtime, tokens);
  } finally {
    await runtime.close();
  }
}

async function serve(runtime, tokens) {
  const events = listen(runtime, tokens);
  let worker;
  try {
    const { threads, register } = toOptions(tokens);
    registerRoutines(runtime, { threads: number(threads) });
    if (register === 'dup') {
      runtime.register('conf.echo', (x) => x);
    }
    worker = await runtime.serve(workerOptions(tokens));
  } catch (error) {
    say('error', error.kind, toText(error.message));
    return;
  }
  say('ready', worker.address, worker.uid);
  for await (const [command, argument] of commands()) {
    if (command === 'count') {
      say('count', ...Object.entries(counted()).map(([name, n]) => `${name}=${n}`));
    } else if (command === 'events') {
      say('events', ...events());
    } else if (command === 'stop') {
      worker.stop(Number(argument)).then(() => say('stopped'));
    } else {
      throw new Error(`a worker driver knows no command ${command}`);
    }
  }
}
