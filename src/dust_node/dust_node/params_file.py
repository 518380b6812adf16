"""Check parameter files before rcl reads them, which answers mistakes in many lines."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import yaml

from dust_node.errors import UserError


def check_params_files(arguments: Sequence[str]) -> None:
    """Check every `--params-file` among the command-line arguments.

    Raises:
        UserError: A file is missing, not YAML, or not shaped `node: {ros__parameters: {...}}`.
    """
    for flag, path in itertools.pairwise(arguments):
        if flag == "--params-file":
            check_params_file(Path(path))


def check_params_file(path: Path) -> None:
    """Check one parameter file; see `check_params_files`."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"parameter file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"parameter file {path} is not text in UTF-8") from error
    except yaml.YAMLError as error:
        raise UserError(
            f"parameter file {path}{_place(error)} is not valid YAML: {_problem(error)}"
        ) from error
    _check_shape(path, content)


def _check_shape(path: Path, content: object) -> None:
    if not isinstance(content, dict) or not content:
        raise UserError(f"parameter file {path} must map node names to ros__parameters")
    for name, section in content.items():
        if not _is_good(section):
            raise UserError(
                f"parameter file {path}: section '{_culprit(str(name), section)}' must hold "
                "'ros__parameters:' with the parameters indented below it"
            )


def _is_good(section: object) -> bool:
    """Return whether a section is a node's, or a namespace that holds nothing else."""
    if not isinstance(section, dict) or not section:
        return False
    if "ros__parameters" in section:
        return isinstance(section["ros__parameters"], dict)
    return all(_is_good(inner) for inner in section.values())


def _culprit(name: str, section: object) -> str:
    """Return the name of what is wrong with a section that is not good."""
    # Only what holds a good section is a namespace beyond doubt.
    if isinstance(section, dict) and "ros__parameters" not in section:
        bad = [key for key, inner in section.items() if not _is_good(inner)]
        if len(bad) < len(section):
            return _culprit(f"{name}/{bad[0]}", section[bad[0]])
    return name


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}, column {mark.column + 1}," if mark else ""


def _problem(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error)
    return str(problem).splitlines()[0]
