from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_doctor.checks.transport import (
    TransportEvidence,
    gather_transport,
    is_local,
    judge_buffers,
    judge_profile,
    judge_shared_memory,
    segment_size,
)
from dust_doctor.finding import Verdict
from dust_doctor.wishes import Machine, Wishes

CONFIG = Path(__file__).resolve().parents[4] / "config"
IMAGE = 640 * 360 * 4
PROFILE = """<dds xmlns="http://www.eprosima.com"><profiles><transport_descriptors>
<transport_descriptor><transport_id>a</transport_id><type>SHM</type>{size}</transport_descriptor>
</transport_descriptors></profiles></dds>"""


def of(text: str | None) -> TransportEvidence:
    return TransportEvidence(profiles=("profile.xml",), text=text)


def sized(size: int) -> TransportEvidence:
    return of(PROFILE.format(size=f"<segment_size>{size}</segment_size>"))


@pytest.mark.parametrize("name", ["fastdds.xml", "fastdds_network.xml"])
def test_our_own_profiles_pass(name):
    assert judge_profile(of((CONFIG / name).read_text()), Wishes(), IMAGE).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("evidence", "verdict", "words"),
    [
        (sized(IMAGE // 2), Verdict.FAIL, "images get lost"),
        (sized(2 * IMAGE), Verdict.WARN, "too few fit"),
        (of(PROFILE.format(size="")), Verdict.FAIL, "segment 0.5 MiB"),
        (of("<dds/>"), Verdict.WARN, "no shared memory"),
        (of("<dds>"), Verdict.FAIL, "is not XML"),
        (of(PROFILE.format(size="<segment_size>big</segment_size>")), Verdict.FAIL, "'big'"),
        (of(None), Verdict.FAIL, "cannot be read"),
        (TransportEvidence(), Verdict.WARN, "no Fast DDS profile"),
        (TransportEvidence(middleware="rmw_zenoh_cpp"), Verdict.SKIP, "rmw_zenoh_cpp"),
    ],
)
def test_profiles_that_lose_images_are_found(evidence, verdict, words):
    found = judge_profile(evidence, Wishes(), IMAGE)
    assert found.verdict is verdict
    assert words in found.says
    assert found.remedy or verdict is Verdict.SKIP


def test_a_local_profile_fails_between_machines():
    local = (CONFIG / "fastdds.xml").read_text()
    assert is_local(local)
    assert not is_local((CONFIG / "fastdds_network.xml").read_text())
    found = judge_profile(of(local), Wishes(machine=Machine.ROBOT), IMAGE)
    assert found.verdict is Verdict.FAIL
    assert "fastdds_network.xml" in found.remedy


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=4))
def test_the_largest_segment_counts(sizes):
    parts = "".join(
        f"<transport_descriptor><type>SHM</type><segment_size>{size}</segment_size>"
        "</transport_descriptor>"
        for size in sizes
    )
    assert segment_size(f"<dds>{parts}</dds>") == max(sizes)


@given(st.text(max_size=80))
def test_any_text_gets_a_remedy(text):
    found = judge_profile(of(text), Wishes(), IMAGE)
    assert found.remedy
    assert found.verdict in (Verdict.WARN, Verdict.FAIL)


@pytest.mark.parametrize(
    ("free", "verdict"), [(None, "warn"), (64e6, "fail"), (100e6, "warn"), (4e9, "ok")]
)
def test_shared_memory_needs_room(free, verdict):
    assert judge_shared_memory(TransportEvidence(shared_memory=free)).verdict == verdict


def test_socket_buffers_matter_between_machines():
    small, two = TransportEvidence(receive_buffer=212992), Wishes(machine=Machine.GPU)
    assert judge_buffers(small, Wishes()).verdict is Verdict.SKIP
    assert judge_buffers(small, two).verdict is Verdict.WARN
    assert judge_buffers(TransportEvidence(receive_buffer=2**23), two).verdict is Verdict.OK


def test_the_machine_is_read(machine, tmp_path):
    path = tmp_path / "own.xml"
    path.write_text("<dds/>")
    (tmp_path / "dev/shm").mkdir(parents=True)
    system = machine(
        {"proc/sys/net/core/rmem_max": "212992\n"}, FASTRTPS_DEFAULT_PROFILES_FILE=str(path)
    )
    found = gather_transport(system)
    assert (found.profiles, found.text) == ((str(path),), "<dds/>")
    assert found.receive_buffer == 212992
    assert found.shared_memory is not None
    assert found.shared_memory > 0
    assert gather_transport(machine(FASTDDS_DEFAULT_PROFILES_FILE="/none.xml")).text is None
