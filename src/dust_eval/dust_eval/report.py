"""Write what an evaluation came to: results.json, table.md, plots."""

from __future__ import annotations

from dust_eval.files import write_json, write_text
from dust_eval.plots import write_plots
from dust_eval.run_folder import RunFolder
from dust_eval.summary import Summary, reveal, summarise, to_values
from dust_eval.table import markdown_report
from dust_eval.trial import TrialResult


def write_report(folder: RunFolder, *, unblind: bool = False) -> Summary | None:
    """Write the report of what is done so far; None when nothing is.

    While several drivers still have trials before them it names their letters only, so that an
    interruption tells nobody who is who.

    Args:
        folder: The evaluation.
        unblind: Name them all the same.
    """
    if not folder.records:
        return None
    blind = len(folder.plan.drivers) > 1 and bool(folder.remaining()) and not unblind
    summary = summarise(folder, blind=blind)
    write_json(folder.root / "results.json", to_values(summary, folder, blind=blind))
    write_text(folder.root / "table.md", markdown_report(summary))
    drivers = reveal(folder, blind=blind)
    results: dict[str, list[TrialResult]] = {d.driver.name: [] for d in summary.drivers}
    for record in folder.records:
        results[drivers[record.label].name].append(record.result)
    write_plots(folder.root / "plots", summary, results)
    return summary
