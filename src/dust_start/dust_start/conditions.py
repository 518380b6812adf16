"""`when` and `unless` clauses: which arguments a part of the graph wants."""

from collections.abc import Mapping
from typing import Any

Scalar = str | int | float | bool


def holds(when: Mapping[str, Scalar | list[Scalar]], values: Mapping[str, Scalar]) -> bool:
    """Whether every named value is the wanted one, or one of the wanted ones.

    Raises:
        KeyError: the clause names a value that does not exist
    """
    return all(
        values[name] in (wanted if isinstance(wanted, list) else [wanted])
        for name, wanted in when.items()
    )


def applies(entry: Mapping[str, Any], values: Mapping[str, Scalar]) -> bool:
    """Whether an entry's `when` holds and its `unless`, where it has one, does not.

    Raises:
        KeyError: a clause names a value that does not exist
    """
    if not holds(entry.get("when", {}), values):
        return False
    return "unless" not in entry or not holds(entry["unless"], values)
