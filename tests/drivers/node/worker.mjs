// `driver worker`: serves the standard routines.
import { Runtime, runWorker as run } from '../../../bindings/node/dist/index.mjs';
import { problem, reload } from './credentials.mjs';
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
    const { threads, register, run: grace } = toOptions(tokens);
    registerRoutines(runtime, { threads: number(threads) });
    if (register === 'dup') {
      runtime.register('conf.echo', (x) => x);
    }
    const options = await workerOptions(tokens);
    if (grace !== undefined) {
      await runUntilSignal(runtime, options, Number(grace), events);
      return;
    }
    worker = await runtime.serve(options);
  } catch (error) {
    say('error', error.kind, toText(error.message));
    return;
  }
  await serveCommands(worker, events);
}

/** By the language's way to be a worker. Commands are served meanwhile; `exit` closes the runtime, and so the worker. */
async function runUntilSignal(runtime, options, grace, events) {
  let exited = false;
  const started = (worker) => {
    void serveCommands(worker, events).then(() => {
      exited = true;
      return runtime.close();
    });
  };
  await run({ runtime, grace, started, ...options });
  if (!exited) {
    say('ran');
    // Nobody reads the commands any more.
    process.stdin.destroy();
  }
}

/** Serves the commands until `exit`. */
async function serveCommands(worker, events) {
  say('ready', worker.address, worker.uid);
  for await (const [command, argument] of commands()) {
    if (command === 'count') {
      say('count', ...Object.entries(counted()).map(([name, n]) => `${name}=${n}`));
    } else if (command === 'events') {
      say('events', ...events());
    } else if (command === 'stop') {
      worker.stop(Number(argument)).then(() => say('stopped'));
    } else if (command === 'reload') {
      await answer('reloaded', reload);
    } else if (command === 'problem') {
      await answer('problem', problem);
    } else {
      throw new Error(`a worker driver knows no command ${command}`);
    }
  }
}

async function answer(kind, run) {
  try {
    say(kind, await run());
  } catch (error) {
    say('error', error.kind, toText(error.message));
  }
}
