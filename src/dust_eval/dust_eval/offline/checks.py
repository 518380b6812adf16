"""All checks in order, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dust_eval.offline.accuracy import check_accuracy, check_gripper
from dust_eval.offline.cameras import check_cameras
from dust_eval.offline.chunk_shift import check_chunk_shift
from dust_eval.offline.evidence import Evidence
from dust_eval.offline.finding import Finding, Verdict, worst
from dust_eval.offline.instruction import check_instruction
from dust_eval.offline.start_pose import check_start_pose
from dust_eval.offline.state_copying import check_state_copying

CHECKS: tuple[Callable[[Evidence], Finding], ...] = (
    check_state_copying,
    check_cameras,
    check_instruction,
    check_start_pose,
    check_chunk_shift,
    check_accuracy,
    check_gripper,
)

TITLE = "## Offline checks"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What all checks found.

    Attributes:
        checkpoint: What was checked.
        dataset: Against what.
        settings: How: numbers of moments and draws, denoising steps.
        findings: One per check.
    """

    checkpoint: str
    dataset: str
    settings: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all."""
        return worst(finding.verdict for finding in self.findings)

    def to_values(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "checkpoint": self.checkpoint,
            "dataset": self.dataset,
            "settings": self.settings,
            "verdict": str(self.verdict),
            "checks": [
                {
                    "check": finding.check,
                    "verdict": str(finding.verdict),
                    "says": finding.says,
                    "limits": finding.limits,
                    "figures": {
                        name: value for name, value in finding.figures.items() if _finite(value)
                    },
                }
                for finding in self.findings
            ],
        }

    def markdown(self) -> str:
        """Return everything as a part of a model card."""
        settings = ", ".join(
            f"{value} {name.replace('_', ' ')}" for name, value in self.settings.items()
        )
        rows = [
            f"| {f.check} | **{f.verdict}** | {f.says} | {_listed(f)} | {f.limits} |"
            for f in self.findings
        ]
        return "\n".join(
            [
                TITLE,
                "",
                f"Verdict: **{self.verdict}**. On `{self.dataset}`: {settings}. An effect is how "
                "much the chunk changes, relative to the demonstrated motion.",
                "",
                "| check | verdict | which means | figures | limits |",
                "|---|---|---|---|---|",
                *rows,
                "",
            ]
        )

    def text(self) -> str:
        """Return everything as text for a terminal."""
        lines = [f"{self.checkpoint} on {self.dataset}: {self.verdict}"]
        for finding in self.findings:
            lines.append(f"\n{finding.verdict:<5}{finding.check}: {finding.says}")
            lines += [f"       {name:<40}{value:10.4f}" for name, value in finding.figures.items()]
            lines += [f"       ({finding.limits})"] if finding.limits else []
        return "\n".join(lines)


def run_checks(
    evidence: Evidence, *, wrap: Callable[[Sequence[Any]], Sequence[Any]] = lambda checks: checks
) -> tuple[Finding, ...]:
    """Run all checks.

    Args:
        evidence: What they look at.
        wrap: Shows how far it has come, such as tqdm.
    """
    return tuple(check(evidence) for check in wrap(CHECKS))


def _listed(finding: Finding) -> str:
    return "; ".join(f"{name} {value:.3g}" for name, value in finding.figures.items())


def _finite(value: float) -> bool:
    return math.isfinite(value)
