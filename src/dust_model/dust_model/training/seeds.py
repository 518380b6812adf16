"""Seeds made of names: what is random in training depends on nothing but what it is for."""

from __future__ import annotations

import hashlib


def seed_of(*parts: int | str) -> int:
    """Return a 63-bit seed for `parts`, such as (run seed, "noise", step, sample)."""
    text = "/".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
