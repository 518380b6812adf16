"""`when` clauses: which arguments a part of the graph wants."""

from collections.abc import Mapping

Scalar = str | int | bool


def holds(when: Mapping[str, Scalar | list[Scalar]], values: Mapping[str, Scalar]) -> bool:
    """Whether every named value is the wanted one, or one of the wanted ones.

    Raises:
        KeyError: the clause names a value that does not exist
    """
    return all(
        values[name] in (wanted if isinstance(wanted, list) else [wanted])
        for name, wanted in when.items()
    )
