import os
from pathlib import Path

import pytest

from dust_start.dds import profile_variables

PROFILE = Path("/config/fastdds.xml")


@pytest.mark.parametrize(
    ("library", "variable"),
    [
        ("libfastrtps.so", "FASTRTPS_DEFAULT_PROFILES_FILE"),
        ("libfastdds.so", "FASTDDS_DEFAULT_PROFILES_FILE"),
    ],
)
def test_each_fast_dds_gets_the_variable_that_it_reads(tmp_path, library, variable):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / library).touch()
    environment = {"AMENT_PREFIX_PATH": os.pathsep.join(["/workspace", str(tmp_path)])}
    assert profile_variables(PROFILE, environment) == {variable: str(PROFILE)}


def test_the_users_own_profile_stays():
    assert profile_variables(PROFILE, {"FASTDDS_DEFAULT_PROFILES_FILE": "mine.xml"}) == {}


def test_without_a_profile_nothing_is_set():
    assert profile_variables(None, {}) == {}
