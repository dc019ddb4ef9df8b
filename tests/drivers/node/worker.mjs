// `driver worker`: serves the standard routines.
import { Runtime } from '../../../bindings/node/dist/index.mjs';
import { counters, registerRoutines } from './routines.mjs';
import { commands, say, toOptions, toText } from './tokens.mjs';

export async function runWorker(tokens) {
  const options = toOptions(tokens);
  const runtime = new Runtime({ exactFloats: true });
  try {
    await serve(runtime, options);
  } finally {
    await runtime.close();
  }
}

async function serve(runtime, options) {
  let worker;
  try {
    registerRoutines(runtime);
    if (options.register === 'dup') {
      runtime.register('conf.echo', (x) => x);
    }
    worker = await runtime.serve({
      concurrency: options.concurrency === undefined ? undefined : Number(options.concurrency),
      socketPath: options.socket,
      secret: options.secret,
    });
  } catch (error) {
    say('error', error.kind, toText(error.message));
    return;
  }
  say('ready', worker.address, worker.uid);
  for await (const [command, argument] of commands()) {
    if (command === 'count') {
      report();
    } else if (command === 'stop') {
      worker.stop(Number(argument)).then(() => say('stopped'));
    } else {
      throw new Error(`a worker driver knows no command ${command}`);
    }
  }
}

function report() {
  const { started, finished, cancelled, cleaned } = counters;
  const running = started - finished;
  say(
    'count',
    ...Object.entries({ running, started, finished, cancelled, cleaned }).map(([name, n]) => `${name}=${n}`),
  );
}
