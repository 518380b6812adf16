#!/usr/bin/env python3
"""Set up the workspace: `make setup` calls this.

This file and `bootstrap/interpreter.py` run on any Python 3, to look for one that is new enough;
the rest of `bootstrap` then runs on that one.
"""

import os
import sys

from bootstrap import interpreter


def main() -> int:
    """Find a supported Python, go on in it, and return the exit code."""
    if not interpreter.supported(sys.version_info[:2]):
        found = interpreter.find()
        if found is None:
            print("setup: " + interpreter.REMEDY, file=sys.stderr)
            return 1
        os.execv(found, [found, *sys.argv])
    from bootstrap.main import main as set_up

    return set_up(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
