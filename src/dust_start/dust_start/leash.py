"""Becomes a node that gets SIGINT when its starter dies, however the starter died.

Run as `python -S leash.py STARTER_PID PROGRAM ARGUMENTS...`; the process id stays the same.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the program."""
    starter, program = int(sys.argv[1]), sys.argv[2]
    # A shell's background jobs ignore SIGINT, and whatever they start would, too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() == starter:  # else it died before the leash was on
        os.execv(program, sys.argv[2:])


if __name__ == "__main__":
    main()
