"""What is printed, and the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dust_doctor.finding import Finding, Verdict, worst

EXIT_WARNINGS = 1
EXIT_FAILED = 2

_SKIPPED_TOGETHER = 3  # more checks that are skipped for one reason share a line

_COLOURS = {Verdict.OK: "32", Verdict.SKIP: "2", Verdict.WARN: "33", Verdict.FAIL: "31"}


@dataclass(frozen=True, slots=True)
class Report:
    """The findings by the name of their check, in order."""

    findings: Sequence[tuple[str, Finding]]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict."""
        return worst(finding for _, finding in self.findings).verdict

    def exit_code(self, *, strict: bool) -> int:
        """Return 0 if all is well, 2 if something failed; 1 for warnings, if they count."""
        if self.verdict is Verdict.FAIL:
            return EXIT_FAILED
        return EXIT_WARNINGS if strict and self.verdict is Verdict.WARN else 0

    def lines(self, *, colour: bool = False) -> list[str]:
        """Return the report as lines: what was found, and below it how to mend it."""
        width = max(len(name) for name, _ in self.findings)
        reasons = Counter(f.says for _, f in self.findings if f.verdict is Verdict.SKIP)
        lines = []
        for name, finding in self.findings:
            if reasons[finding.says] > _SKIPPED_TOGETHER:
                continue
            verdict = f"{finding.verdict.upper():4}"
            if colour:
                verdict = f"\033[{_COLOURS[finding.verdict]}m{verdict}\033[0m"
            lines.append(f"{verdict}  {name:{width}}  {finding.says}")
            if finding.remedy:
                lines.append(f"{'':4}  {'':{width}}  -> {finding.remedy}")
        common = [row for row in reasons.items() if row[1] > _SKIPPED_TOGETHER]
        lines += [f"SKIP  {count} more checks: {reason}" for reason, count in common]
        return [*lines, self._sum()]

    def to_values(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        rows = [
            {"check": name, "verdict": row.verdict, "says": row.says, "remedy": row.remedy}
            for name, row in self.findings
        ]
        return {"verdict": self.verdict, "checks": rows}

    def _sum(self) -> str:
        counts = Counter(finding.verdict for _, finding in self.findings)
        return ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
