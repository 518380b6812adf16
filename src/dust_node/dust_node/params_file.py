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
        # Namespaces may nest: ns: node: ros__parameters.
        while isinstance(section, dict) and len(section) == 1 and "ros__parameters" not in section:
            section = next(iter(section.values()))
        if not isinstance(section, dict) or not isinstance(section.get("ros__parameters"), dict):
            raise UserError(
                f"parameter file {path}: section '{name}' must hold 'ros__parameters:' with "
                "the parameters indented below it"
            )


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}, column {mark.column + 1}," if mark else ""


def _problem(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error)
    return str(problem).splitlines()[0]
