import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { has } from '../../helpers/programs.js';

/** What an addon might do: a child whose end sends no signal (exit signal 0), made by the thread that loads the library. */
const SOURCE = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
__attribute__((constructor)) static void begin(void) {
  const char* out = getenv("CLONE_CHILD_OUT");
  if (out == NULL) return;
  long pid = syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
  if (pid == 0) {
    syscall(SYS_prctl, PR_SET_PDEATHSIG, 9L, 0L, 0L, 0L);
    syscall(SYS_setpgid, 0L, 0L);
    for (;;) syscall(SYS_ppoll, 0L, 0L, 0L, 0L, 0L);
  }
  FILE* file = fopen(out, "w");
  if (file == NULL) return;
  fprintf(file, "%ld", pid);
  fclose(file);
}
`;

/** Why {@link cloneChild} cannot be used here, or undefined. */
export function cannotClone(): string | undefined {
  return has('gcc') ? undefined : 'no gcc to make a library that clones';
}

/** A child of this very thread whose exit signal is 0, sleeping for ever. Kill it, and reap it with `__WALL`. */
export function cloneChild(): number {
  const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-clone-'));
  try {
    const library = join(folder, 'clone.node');
    writeFileSync(join(folder, 'clone.c'), SOURCE);
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, join(folder, 'clone.c')]);
    process.env['CLONE_CHILD_OUT'] = join(folder, 'pid');
    try {
      process.dlopen({ exports: {} }, library);
    } catch {
      // It is no addon: its constructor is all that was wanted.
    } finally {
      delete process.env['CLONE_CHILD_OUT'];
    }
    return Number(readFileSync(join(folder, 'pid'), 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
