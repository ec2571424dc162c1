"""The tracer that a user of python-ptrace would write: tracer.py PID. Speaks as tracer.c does.

It has no PTRACE_GET_SYSCALL_INFO; the number of the system call comes from the registers."""

import json
import sys
import time

from ptrace.binding import ptrace_getregs
from ptrace.debugger import PtraceDebugger


def main():
    debugger = PtraceDebugger()
    debugger.enableSysgood()
    process = debugger.addProcess(int(sys.argv[1]), False)
    print("ready", flush=True)
    number = "orig_rax" if hasattr(ptrace_getregs(process.pid), "orig_rax") else "r8"
    seen = 0
    for line in sys.stdin:
        amount = int(line)
        begin = time.monotonic_ns()
        for _ in range(amount):
            process.syscall()
            debugger.waitSyscall(process)
            seen += getattr(ptrace_getregs(process.pid), number)
        print(json.dumps({"ns": time.monotonic_ns() - begin}), flush=True)


main()
