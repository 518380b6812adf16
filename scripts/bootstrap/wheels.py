"""Mends the ROS 2 wheels: their CMake files name folders of the machine that built them."""

import json
import re
import subprocess
from pathlib import Path

from bootstrap.console import Console, SetupError
from bootstrap.layout import Layout
from bootstrap.packages import clean_environment, requirement_fingerprint
from bootstrap.stamps import Stamps

_HEADERS = re.compile(r"/opt/python/cp3\d+-cp3\d+t?/include/python3\.\d+t?")
_NUMPY = re.compile(
    r"/opt/python/cp3\d+-cp3\d+t?/lib/python3\.\d+t?/site-packages/numpy/_?core/include"
)
_ASK = (
    "import json, sysconfig, numpy;"
    "print(json.dumps([sysconfig.get_config_var('INCLUDEPY'), numpy.get_include()]))"
)


def mend(share: Path, *, headers: str, numpy: str) -> int:
    """Replace the build machine's paths below `share`.

    Args:
        share: folder that holds `*/cmake/*.cmake`
        headers: folder of this Python's C headers
        numpy: folder of NumPy's C headers

    Returns:
        number of files that were changed; a second call changes none
    """
    changed = 0
    for path in share.glob("*/cmake/*.cmake"):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        mended = _HEADERS.sub(lambda _: headers, _NUMPY.sub(lambda _: numpy, text))
        if mended != text:
            path.write_text(mended, encoding="utf-8", errors="surrogateescape")
            changed += 1
    return changed


def ensure_mended(layout: Layout, stamps: Stamps, console: Console) -> None:
    """Mend the wheels in the venv, once after each installation of them."""
    installed = requirement_fingerprint(layout, layout.distro)
    if stamps.done("mend", installed):
        return
    headers, numpy = _ask(layout.python)
    changed = mend(layout.venv / "share", headers=headers, numpy=numpy)
    console.step(f"Paths in the ROS wheels: {changed} CMake files mended")
    stamps.record("mend", installed)


def _ask(python: Path) -> tuple[str, str]:
    asked = subprocess.run(
        [python, "-c", _ASK], capture_output=True, text=True, env=clean_environment()
    )
    if asked.returncode != 0:
        raise SetupError(f"{python} cannot import NumPy: {asked.stderr.strip().splitlines()[-1]}")
    headers, numpy = json.loads(asked.stdout)
    return headers, numpy
