"""A small workspace with fake nodes, installed as colcon would."""

import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

NODE = """
import os, signal, subprocess, sys, time
print("started", *sys.argv[1:], flush=True)
{body}
"""


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return a function that installs package `fake` with an executable whose body is given."""

    def make(executable: str, body: str) -> dict[str, str]:
        prefix = tmp_path / "install"
        marker = prefix / "share/ament_index/resource_index/packages/fake"
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        program = prefix / "lib/fake" / executable
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!{sys.executable} -S\n" + NODE.format(body=textwrap.dedent(body)))
        program.chmod(0o755)
        return {**os.environ, "AMENT_PREFIX_PATH": str(prefix)}

    return make
