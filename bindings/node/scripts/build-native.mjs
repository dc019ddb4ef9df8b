// Builds build/Release/wool.node with CMake, from the headers in node_modules and the library that cargo has built.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const root = join(folder, '..', '..');
const library = process.env.WOOL_LIBRARY ?? join(root, 'target', 'release', 'libwool.a');
const include = process.env.WOOL_INCLUDE ?? join(root, 'include');
const build = join(folder, 'build');

if (!existsSync(library)) {
  console.error(`${library} is missing: run \`cargo build --release -p libwool\` first, or set WOOL_LIBRARY.`);
  process.exit(1);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`${command} failed: ${error?.message ?? `status ${status}`}`);
    process.exit(1);
  }
}

run('cmake', [
  '-S',
  join(folder, 'native'),
  '-B',
  build,
  '-DCMAKE_BUILD_TYPE=Release',
  `-DNODE_API_HEADERS=${require('node-api-headers').include_dir}`,
  `-DWOOL_INCLUDE=${include}`,
  `-DWOOL_LIBRARY=${library}`,
]);
run('cmake', ['--build', build, '--parallel', String(availableParallelism())]);
