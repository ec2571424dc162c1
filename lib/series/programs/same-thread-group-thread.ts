/** The thread of same-thread-group.ts: attaches, and pauses. */
import { workerData } from 'node:worker_threads';
import { attach } from '../../raw/index.js';

attach(Number(workerData));
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
