// A worker and a caller that know each other by their certificates: `make certs` puts some into `certs`.
//
//   node secure.mjs worker 0.0.0.0:7000
//   node secure.mjs caller localhost:7000
import { Credentials, Runtime, runWorker, WorkerPool } from 'libwool';

const credentials = (own) =>
  new Credentials({ caFile: 'certs/ca.pem', certificateFile: `certs/${own}.pem`, keyFile: `certs/${own}.key` });

// Serves until SIGTERM or SIGINT.
async function work(bind) {
  const runtime = new Runtime();
  runtime.register('calc.add', async (a, b) => a + b);
  const started = ({ address }) => console.log(address);
  await runWorker({ runtime, bind, credentials: credentials('worker'), grace: 30_000, started });
  await runtime.close();
}

async function call(address) {
  const pool = new WorkerPool({ addresses: [address], credentials: credentials('caller') });
  console.log(`1 + 2 = ${await pool.call('calc.add', [1, 2])}`);
  await pool.close();
}

const [mode, address] = process.argv.slice(2);
if (mode === 'worker') await work(address);
else await call(address);
