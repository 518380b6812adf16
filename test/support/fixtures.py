"""Fixtures that the tests of several packages use; the root conftest.py loads them.

ROS 2 and torch are imported only where a test asks for them: others run without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.program import Program, end_all

if TYPE_CHECKING:
    from support.probe import Probe


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an untrained checkpoint of the size `tiny`, once; tests must not change it."""
    from dust_model.config import TINY
    from dust_model.init import write_untrained

    return write_untrained(tmp_path_factory.mktemp("checkpoint") / "tiny", TINY, seed=0).folder


@pytest.fixture
def probe(ros_domain: int) -> Iterator[Probe]:
    """Give a node in the tests' domain."""
    from support.probe import Probe

    probe = Probe(ros_domain)
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def start_program(
    ros_domain: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Program]]:
    """Return a function that starts a node; after the module, all must end cleanly.

    It takes the node's module and parameters, each as `name:=value`.
    """
    programs: list[Program] = []

    def start(module: str, *parameters: str) -> Program:
        log = tmp_path_factory.mktemp("log") / "node.log"
        programs.append(Program(module, *parameters, log=log))
        return programs[-1]

    yield start
    end_all(programs)
