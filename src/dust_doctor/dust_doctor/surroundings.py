"""Fast DDS's profile for what the doctor itself listens with: the one that the launch file sets."""

from __future__ import annotations

import os

from dust_doctor.wishes import Wishes


def adopt_profile(wishes: Wishes) -> None:
    """Set the profile of the installed dust_bringup, unless the user has set one or none is there.

    Without it the doctor would lose images that the nodes receive, and blame the cameras.
    """
    try:
        from dust_start import index
        from dust_start.dds import profile_variables
    except ImportError:
        return
    share = index.share_of("dust_bringup")
    if share is None:
        return
    name = "fastdds_network.xml" if wishes.shares_time else "fastdds.xml"
    os.environ.update(profile_variables(share / "config" / name))
