// The server under test: started on a free port with an empty folder, and ended
// with everything it left behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const startLimit = 20_000; // milliseconds
const stopLimit = 10_000;

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

// startServer runs the binary that MODELDB_BIN names and returns its address and
// the function that stops it.
export async function startServer() {
  const binary = process.env.MODELDB_BIN;
  if (!binary) throw new Error('MODELDB_BIN must be the path of the server binary');

  const data = await mkdtemp(join(tmpdir(), 'modeldb-browser-'));
  const port = await freePort();
  const child = spawn(binary, ['serve', '--port', String(port), '--data', join(data, 'data')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (text) => { output += text; });
  child.stderr.on('data', (text) => { output += text; });
  const ended = new Promise((resolve) => {
    child.once('error', (err) => resolve(err.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  let end = null;
  ended.then((how) => { end = how; });

  async function stop() {
    if (end === null) child.kill('SIGTERM');
    const how = await Promise.race([ended, sleep(stopLimit, 'too slow', { ref: false })]);
    if (how === 'too slow') child.kill('SIGKILL');
    await ended;
    await rm(data, { recursive: true, force: true });
    if (how === 'too slow') throw new Error(`the server did not end on SIGTERM:\n${output}`);
  }

  const url = `http://127.0.0.1:${port}`;
  try {
    await ready(url, () => end);
  } catch (err) {
    await stop();
    throw new Error(`${err.message}; the server said:\n${output}`);
  }
  return { url, stop };
}

async function ready(url, ended) {
  for (const limit = Date.now() + startLimit; Date.now() < limit; await sleep(25)) {
    if (ended()) throw new Error(`the server ended: ${ended()}`);
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
  }
  throw new Error(`${url}/readyz gave no 200 within ${startLimit} ms`);
}
