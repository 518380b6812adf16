from types import SimpleNamespace

import numpy as np

from dust_node.stamps import nanoseconds_of


def test_every_nanosecond_counts():
    stamp = SimpleNamespace(sec=1_800_000_000, nanosec=123_456_789)
    assert nanoseconds_of(stamp) == 1_800_000_000_123_456_789


def test_a_stamp_before_the_beginning_of_time_is_a_number_below_zero():
    assert nanoseconds_of(SimpleNamespace(sec=-2, nanosec=500_000_000)) == -1_500_000_000


def test_what_a_bag_gives_does_not_overflow():
    stamp = SimpleNamespace(sec=np.int32(2**31 - 1), nanosec=np.uint32(999_999_999))
    assert nanoseconds_of(stamp) == 2_147_483_647_999_999_999
