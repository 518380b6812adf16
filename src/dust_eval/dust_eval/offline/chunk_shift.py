"""Do successive chunks agree? Where they do not, every seam is a jerk and modes are mixed.

chunk at t        a0 a1 a2 a3 a4 a5 a6 a7
chunk at t + 3             b0 b1 b2 b3 b4 b5 b6 b7
compared                   |  |  |  |  |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dust_eval.offline.evidence import Evidence, rms
from dust_eval.offline.finding import Finding, Verdict, above

Array = NDArray[np.float64]

WARN, BAD = 2.0, 5.0


def check_chunk_shift(evidence: Evidence) -> Finding:
    """Compare each chunk with the one predicted some periods later, where they overlap."""
    shift = evidence.moments.shift
    # Other noise than the first chunk's, as on the robot.
    later = evidence.predict(evidence.moments.later)[:, ::-1]
    kept = evidence.base.shape[2] - shift
    gap = rms((evidence.base[:, :, shift:] - later[:, :, :kept])[..., :-1])
    first = rms((evidence.base[:, :, shift] - later[:, :, 0])[..., :-1])
    step = rms(np.diff(evidence.demonstrated, axis=1))
    noise = demonstration_noise(evidence.demonstrated)
    verdict = above(gap / step, warn=WARN, bad=BAD)
    return Finding(
        check="chunk-shift consistency",
        verdict=verdict,
        says={
            Verdict.OK: "Successive chunks go on where the one before led.",
            Verdict.WARN: "Successive chunks disagree by more than a usual step.",
            Verdict.BAD: "Successive chunks contradict each other: the arm will dither.",
        }[verdict],
        limits=(
            f"disagreement / usual step of the demonstrations in a period: warn above {WARN}, bad "
            f"above {BAD} (the executor blends over three periods)"
        ),
        figures={
            "disagreement [rad]": gap,
            "at the seam [rad]": first,
            "usual step [rad]": step,
            "demonstration noise [rad]": noise,
            "disagreement / usual step": gap / step,
            "disagreement / error": gap / evidence.right,
            "periods between chunks": float(shift),
        },
    )


def demonstration_noise(chunks: Array) -> float:
    """Return the noise of demonstrated actions [M, K, J], rad: what is no smooth motion.

    White noise of deviation s has third differences of deviation s sqrt(20), smooth motion nearly
    none.
    """
    return rms(np.diff(chunks, n=3, axis=1)) / np.sqrt(20) if chunks.shape[1] > 3 else 0.0
