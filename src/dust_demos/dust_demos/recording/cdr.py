"""The little that the recorder reads in serialised messages, without decoding them."""

from struct import Struct, unpack_from

from dust_demos.recording.definitions import field_types

_HEAD = 4
_STAMP = {0: Struct(">iI"), 1: Struct("<iI")}


def stamp_ns(data: bytes) -> int | None:
    """Return the stamp of a message in CDR that begins with a std_msgs/Header. Unit: ns.

    None if the bytes are too few, not CDR, or the stamp is 0, which publishers leave where they
    have none.
    """
    if len(data) < _HEAD + 8 or data[0] != 0 or data[1] not in _STAMP:
        return None
    sec, nanosec = _STAMP[data[1]].unpack_from(data, _HEAD)
    return (sec * 1_000_000_000 + nanosec) or None


def begins_with_header(type_name: str) -> bool:
    """Return whether messages of a type begin with a std_msgs/Header."""
    try:
        fields = field_types(type_name)
    except ValueError:
        return False
    return bool(fields) and fields[0] == "std_msgs/msg/Header"


def text_of(data: bytes) -> str:
    """Return the text of a std_msgs/String in CDR; empty if the bytes are none."""
    if len(data) < _HEAD + 4:
        return ""
    (length,) = unpack_from("<I" if data[1] else ">I", data, _HEAD)
    return data[_HEAD + 4 : _HEAD + 4 + length].rstrip(b"\0").decode(errors="replace")
