// Errors across processes: one of the program's own, one of JavaScript's, and what is said of their cause.
import { main, Runtime, TaskError, WorkerPool } from 'libwool';

class OutOfStock extends Error {
  constructor(item, left) {
    super(`only ${left} of ${item} left`);
    this.item = item;
    this.left = left;
  }
}

const runtime = new Runtime();

// Known by its name in every language, with its own properties as the data.
runtime.registerError(OutOfStock, 'wool.OutOfStock');

// What the worker serves.
runtime.register('wool.order', async (item, count) => {
  const left = 3;
  if (count > left) throw new OutOfStock(item, left);
  return left - count;
});

runtime.register('wool.parse', async (text) => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`cannot read the order ${text}`, { cause: error });
  }
});

runtime.register('wool.break', async () => {
  throw 'the shears';
});

await main(runtime, async () => {
  const pool = new WorkerPool({ spawn: 1 });

  try {
    await pool.call('wool.order', ['yarn', 5]);
  } catch (error) {
    // Whatever the worker is written in, where it raises an error of this name.
    if (!(error instanceof OutOfStock)) throw error;
    console.log(`${error.item}: ${error.left} left`);
    console.log(`${error.kind}, raised in ${error.language}: ${error instanceof TaskError}`);
  }

  try {
    await pool.call('wool.parse', ['a lot']);
  } catch (error) {
    console.log(`${error.remoteType}: ${error.message}`);
    // JavaScript's own errors are what they were, if a Node worker threw them.
    console.log(`because of a SyntaxError: ${error.cause instanceof SyntaxError}`);
    console.log(`${error.remoteTraceback.length > 0 ? 'with' : 'without'} a traceback`);
  }

  // What is no error harms its task, and nothing else.
  try {
    await pool.call('wool.break');
  } catch (error) {
    console.log(`${error.kind}: ${error.message}`);
  }
  console.log(`${await pool.call('wool.order', ['yarn', 2])} left`);

  await pool.close();
});
