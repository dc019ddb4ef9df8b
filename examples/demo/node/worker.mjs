import { main, Runtime } from 'libwool';

/** How often each word has been there so far. */
const standings = new Map();

/** Serves until the pool that started this process says stop, or has gone. */
export async function serve() {
  const runtime = new Runtime();
  runtime.register('demo.add', add);
  runtime.register('demo.top', top);
  runtime.register('demo.ping', async (n) => n);
  runtime.register('demo.few', async function* (n) {
    for (let i = 0; i < n; i++) yield i;
  });

  await main(runtime, () => {
    throw new Error('serve is for pools to start');
  });
}

/** Adds counts, an object of word to count, to the standings. */
async function add(counts) {
  for (const [word, count] of Object.entries(counts)) {
    standings.set(word, (standings.get(word) ?? 0) + count);
  }
}

/** The standings, anew whenever the caller asks for the next item; without end. */
async function* top(most) {
  for (;;) {
    const ranked = [...standings].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    const words = ranked.reduce((sum, [, count]) => sum + count, 0);
    yield { words, distinct: ranked.length, top: ranked.slice(0, most) };
  }
}
