// Who is who, and who may call what: a worker, and three pools that are not the same to it. The certificates are in certs.
import { Credentials, currentTask, Runtime, WorkerPool } from 'libwool';

const credentials = (own) =>
  new Credentials({ caFile: 'certs/ca.pem', certificateFile: `certs/${own}.pem`, keyFile: `certs/${own}.key` });

const runtime = new Runtime();
runtime.register('wool.greet', () => `hello, ${currentTask().peer.join(', ')}`);
runtime.register('admin.reset', () => 'done');
const worker = await runtime.serve({
  credentials: credentials('worker'),
  // Whom it talks to, of those whom the authority vouches for.
  callers: ['*.wool.example'],
  // What is not for all of them.
  routineCallers: { 'admin.*': ['admin.wool.example'] },
});

const connect = (own) =>
  new WorkerPool({ runtime, addresses: [worker.address], credentials: own, dispatchTimeout: 2_000 });

async function ask(pool, routine) {
  const answer = await pool.call(routine).catch((error) => `${routine}: ${error.kind}`);
  console.log(answer);
}

const caller = connect(credentials('caller'));
await ask(caller, 'wool.greet');
await ask(caller, 'admin.reset');
await ask(connect(credentials('admin')), 'admin.reset');
// It knows the worker, and has nothing to show.
await ask(connect(new Credentials({ caFile: 'certs/ca.pem' })), 'wool.greet');
await runtime.close();
