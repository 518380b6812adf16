"""Small pieces of HTML; every text that comes from the data is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { color-scheme: light; --line: #d8dde2; --soft: #f4f6f8; --warn: #b3261e; }
body { font: 15px/1.45 system-ui, sans-serif; color: #1d2329; background: #fff;
       margin: 0 auto; padding: 1.5rem; max-width: 1180px; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
p { margin: .3rem 0; } .soft { color: #5c6873; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line);
         vertical-align: top; overflow-wrap: anywhere; }
th { background: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.warning { color: var(--warn); font-weight: 600; } .good { color: #1a7f37; font-weight: 600; }
img { max-width: 100%; height: auto; display: block; margin: .3rem 0; }
.bar { background: #0b6e99; height: .7rem; display: inline-block; vertical-align: middle; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .6rem 0;
          padding: .5rem .8rem; }
summary { cursor: pointer; font-weight: 600; } .scroll { overflow-x: auto; }
a { color: #0b6e99; }
"""


def document(title: str, body: Iterable[str]) -> str:
    """Return a whole page that needs nothing else."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()
) -> str:
    """Return a table.

    Args:
        head: titles of the columns, as text.
        rows: cells, as HTML.
        numbers: places of the columns that hold numbers.
    """
    kinds = [' class="number"' if place in numbers else "" for place in range(len(head))]
    titles = "".join(f"<th{k}>{escape(t)}</th>" for k, t in zip(kinds, head, strict=True))
    body = "\n".join(
        "<tr>" + "".join(f"<td{k}>{c}</td>" for k, c in zip(kinds, row, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table>\n<thead><tr>{titles}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def image(uri: str, text: str) -> str:
    """Return a picture that the page holds itself; `text` says what it shows."""
    return f'<img src="{uri}" alt="{escape(text)}">'


def bar(share: float) -> str:
    """Return a bar for a share, 0 to 1."""
    return f'<span class="bar" style="width:{max(share, 0.01) * 12:.1f}rem"></span>'


def link(target: str, text: str) -> str:
    """Return a link to a place in the page."""
    return f'<a href="#{target}">{escape(text)}</a>'
