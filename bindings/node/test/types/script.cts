// What the types promise to a CommonJS module. Compiled, never run.
import wool = require('libwool');

export async function use(pool: wool.WorkerPool): Promise<number> {
  const { WorkerPool } = wool;
  return pool instanceof WorkerPool ? pool.call<number>('calc.add', [1, 2]) : 0;
}
