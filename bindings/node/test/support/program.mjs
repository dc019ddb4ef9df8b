// Programs of test/fixtures, each run as a process of its own.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Ends a program that hangs. */
const WATCHDOG_MS = 30_000;

/** Runs a program of test/fixtures to its end. */
export function run(name, ...args) {
  const path = fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      output[stream] += text;
    });
  }
  const watchdog = setTimeout(() => child.kill('SIGKILL'), WATCHDOG_MS);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(watchdog);
      resolve({ code, signal, ...output });
    });
  });
}
