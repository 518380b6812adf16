import pytest

from bootstrap.wheels import mend

BROKEN = (
    'set(dirs "/opt/python/cp311-cp311/include/python3.11;'
    '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include;/usr/include")\n'
)
MENDED = 'set(dirs "/python/include;/numpy/include;/usr/include")\n'


@pytest.fixture
def share(tmp_path):
    folder = tmp_path / "std_msgs/cmake"
    folder.mkdir(parents=True)
    (folder / "export.cmake").write_text(BROKEN)
    (folder / "fine.cmake").write_text("# nothing to mend\n")
    return tmp_path


def test_paths_of_the_build_machine_are_replaced(share):
    assert mend(share, headers="/python/include", numpy="/numpy/include") == 1
    assert (share / "std_msgs/cmake/export.cmake").read_text() == MENDED


def test_a_second_call_changes_nothing(share):
    mend(share, headers="/python/include", numpy="/numpy/include")
    assert mend(share, headers="/python/include", numpy="/numpy/include") == 0


@pytest.mark.parametrize("version", ["cp310-cp310", "cp313-cp313", "cp313-cp313t"])
def test_other_pythons_are_mended_too(share, version):
    path = share / "std_msgs/cmake/export.cmake"
    minor = version.split("-")[0].removeprefix("cp3")
    path.write_text(BROKEN.replace("cp311-cp311", version).replace("3.11", f"3.{minor}"))
    mend(share, headers="/python/include", numpy="/numpy/include")
    assert path.read_text() == MENDED
