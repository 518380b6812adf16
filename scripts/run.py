#!/usr/bin/env python3
"""Run a command with ROS and the workspace found: scripts/run.py COMMAND ARGUMENTS...

Without a command the shell exports are printed; scripts/env.sh takes them.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src" / "dust_start"))

from bootstrap.layout import Layout  # noqa: E402
from dust_start import environment  # noqa: E402


def main() -> int:
    """Take the environment of the venv for the distribution that DISTRO names."""
    return environment.main(sys.argv[1:], Layout(ROOT, os.environ.get("DISTRO") or "jazzy").venv)


if __name__ == "__main__":
    sys.exit(main())
