"""Sections of a checkpoint's model card."""

from __future__ import annotations

CARD = "README.md"
"""The model card's name in a checkpoint's folder."""


def with_section(card: str, section: str) -> str:
    """Return a model card with this section in place of an older one, or at its end.

    Args:
        card: Markdown.
        section: Markdown that begins with its title, a line `## ...`.
    """
    lines = card.rstrip("\n").split("\n")
    title = section.split("\n", 1)[0]
    begin = next((i for i, line in enumerate(lines) if line == title), len(lines))
    later = (i for i in range(begin + 1, len(lines)) if lines[i].startswith("## "))
    end = next(later, len(lines))
    head, rest = "\n".join(lines[:begin]).rstrip("\n"), "\n".join(lines[end:])
    return "\n\n".join(part for part in (head, section.rstrip("\n"), rest) if part) + "\n"
