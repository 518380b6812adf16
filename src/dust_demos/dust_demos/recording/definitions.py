"""Message definitions as text, and types to decode with; without rclpy."""

import os
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection, MessageDefinitionFormat, Nodetype
from rosbags.typesys import (
    Stores,
    TypesysError,
    get_types_from_idl,
    get_types_from_msg,
    get_typestore,
)
from rosbags.typesys.store import Typestore

_RULE = "=" * 80


@cache
def full_definition(type_name: str) -> str:
    """Return a message's definition followed by those of everything that it contains.

    This is the text that MCAP calls `ros2msg`: parts separated by a line of 80 `=` and a line
    `MSG: package/Name`. It comes from the installed packages (AMENT_PREFIX_PATH), with comments;
    standard messages that are not installed come from `rosbags`.

    Args:
        type_name: Such as sensor_msgs/msg/JointState.

    Raises:
        ValueError: Nobody knows the message.
    """
    texts: dict[str, str] = {}
    waiting = [type_name]
    while waiting:
        name = waiting.pop(0)
        if name not in texts:
            texts[name] = _own_text(name)
            waiting += _parts(name, texts[name])
    first, *others = texts
    pieces = [f"{_RULE}\nMSG: {_short(name)}\n{texts[name]}" for name in others]
    return "\n".join([texts[first], *pieces])


@cache
def field_types(type_name: str) -> tuple[str, ...]:
    """Return the message type of each field; empty for numbers and texts.

    Raises:
        ValueError: Nobody knows the message.
    """
    _, fields = get_types_from_msg(_own_text(type_name), type_name)[type_name]
    return tuple(_message_name(field) for _, field in fields)


@cache
def type_hash(type_name: str, definition: str = "") -> str:
    """Return the hash RIHS01 of a message, as metadata.yaml wants it; empty if there is none.

    Args:
        type_name: Such as sensor_msgs/msg/JointState.
        definition: A full definition; empty: what `full_definition` gives.
    """
    try:
        text = definition or full_definition(type_name)
        store = get_typestore(Stores.EMPTY)
        store.register(get_types_from_msg(text, type_name))
        return str(store.hash_rihs01(type_name))
    except (TypesysError, KeyError, ValueError):
        return ""


def typestore_for(connections: Iterable[Connection]) -> Typestore:
    """Return a store that decodes the messages of a bag.

    The bag's own definitions come first: they are what was recorded. Where it has none, as older
    bags in sqlite3, the installed packages and those of ROS 2 Jazzy fill in. Bags with the same
    definitions share a store; it must not be changed.
    """
    return _store_of(tuple(sorted({(row.msgtype, *row.msgdef) for row in connections})))


@lru_cache(maxsize=16)
def _store_of(rows: tuple[tuple[str, MessageDefinitionFormat, str], ...]) -> Typestore:
    types: dict[str, Any] = {}
    for row in rows:
        types |= _types_of(*row)
    for type_name, _, _ in rows:
        if type_name not in types:
            types = _known_types(type_name) | types
    store = get_typestore(Stores.EMPTY)
    store.register(types)
    return store


def _types_of(type_name: str, form: MessageDefinitionFormat, text: str) -> Mapping[str, Any]:
    if form == MessageDefinitionFormat.MSG:
        return dict(get_types_from_msg(text, type_name))
    if form == MessageDefinitionFormat.IDL:
        parts = text.split(f"{_RULE}\n")
        bodies = [part.partition("\n")[2] if part.startswith("IDL: ") else part for part in parts]
        types: dict[str, Any] = {}
        for body in filter(str.strip, bodies):
            types |= get_types_from_idl(body)
        return types
    return {}


def _known_types(type_name: str) -> dict[str, Any]:
    try:
        return dict(get_types_from_msg(full_definition(type_name), type_name))
    except ValueError:
        return {}  # the bag can be read all the same, these messages cannot


@cache
def _standard() -> Typestore:
    return get_typestore(Stores.ROS2_JAZZY)


def _own_text(type_name: str) -> str:
    """Return the text of one message's file, without its parts."""
    package, _, name = type_name.rpartition("/")
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        file = Path(prefix or "/nonexistent") / "share" / package / f"{name}.msg"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    if type_name in _standard().fielddefs:
        text, _ = _standard().generate_msgdef(type_name, ros_version=2)
        return text.partition(_RULE)[0]
    raise ValueError(
        f"message {type_name} is not installed: source the workspace that has the package "
        f"{type_name.partition('/')[0]}"
    )


def _parts(type_name: str, text: str) -> list[str]:
    """Return the messages that a message contains."""
    _, fields = get_types_from_msg(text, type_name)[type_name]
    found = [_message_name(field) for _, field in fields]
    return [name for name in found if name]


def _message_name(field: Any) -> str:
    """Return the message that a field holds, one or many of them; empty for numbers and texts."""
    kind, value = field
    if kind in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        kind, value = value[0]
    return str(value) if kind == Nodetype.NAME else ""


def _short(type_name: str) -> str:
    """Return package/Name for package/msg/Name."""
    package, _, name = type_name.split("/")
    return f"{package}/{name}"
