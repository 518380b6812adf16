"""The variable that hands Fast DDS a profile: it was renamed, and both confuse Fast DDS 3."""

import os
from collections.abc import Mapping
from pathlib import Path

_FAST_DDS_2 = "FASTRTPS_DEFAULT_PROFILES_FILE"  # Jazzy
_FAST_DDS_3 = "FASTDDS_DEFAULT_PROFILES_FILE"  # Kilted and later


def profile_variables(
    profile: Path | None, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables to set for a profile.

    Args:
        profile: the XML file, None for Fast DDS's own defaults
        environment: the nodes' environment; its ROS tells which Fast DDS it is

    Returns:
        one variable, or none if there is no profile or the user has set one already
    """
    if profile is None or _FAST_DDS_2 in environment or _FAST_DDS_3 in environment:
        return {}
    prefixes = environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    newer = any((Path(prefix) / "lib" / "libfastdds.so").exists() for prefix in prefixes if prefix)
    return {_FAST_DDS_3 if newer else _FAST_DDS_2: str(profile)}
