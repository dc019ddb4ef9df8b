// Values that ride along with calls, on to what these call, and back.
import { call, context, main, Runtime, WorkerPool } from 'libwool';

const runtime = new Runtime();

// What the worker serves.
runtime.register('wool.name', () => {
  context.set('shop', 'greeted', true);
  return context.get('shop', 'customer');
});

runtime.register('wool.greet', async () => {
  // The context of this task goes along, and takes up what is changed there.
  const name = await call('wool.name');
  context.unset('shop', 'hint');
  return `Good morning, ${name}`;
});

await main(runtime, async () => {
  const pool = new WorkerPool({ spawn: 1 });
  await context.run(async () => {
    context.set('shop', 'customer', 'Dolly');
    context.set('shop', 'hint', 'shy');
    console.log(await pool.call('wool.greet'));
    console.log(`greeted: ${context.get('shop', 'greeted')}`);
    console.log(`hint: ${context.get('shop', 'hint') ?? 'none'}`);
  });
  await pool.close();
});
