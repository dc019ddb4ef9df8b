// The module of `conf.block`, which runs in threads.
import { workerData } from 'node:worker_threads';

import { block } from './blocked.mjs';

export default function confBlock() {
  block(workerData);
  return null;
}
