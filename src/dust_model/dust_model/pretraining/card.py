"""The part of a model card that tells where the vision-language weights come from."""

from __future__ import annotations

import yaml

from dust_model.checkpoint import Checkpoint
from dust_model.pretraining.config import PretrainConfig
from dust_model.records import to_json


def picture_card(
    config: PretrainConfig,
    checkpoint: Checkpoint,
    found: dict[str, float],
    *,
    learned: int,
    apart: int,
) -> str:
    """Return the card of a pre-trained checkpoint as Markdown.

    Args:
        config: of the run.
        checkpoint: what it describes.
        found: metrics on held-out pictures.
        learned: pictures learned from.
        apart: pictures held out.
    """
    views = checkpoint.robot.views
    rows = "".join(f"| {_name(name, views)} | {value:.4g} |\n" for name, value in found.items())
    return f"""---
library_name: dust_model
pipeline_tag: robotics
---
# Pre-trained vision-language model, untrained policy

The vision-language part has learned from {learned:,} labelled pairs of pictures of the simulated
cell to see what lies where and to find what an instruction names; {apart:,} pairs of other trials
were held out. The diffusion head has random weights: train it with `dust-train`.

Fingerprint of the vision-language part: `{checkpoint.fingerprint}`.

## On held-out pictures

Errors in pixels are of 320 x 180 pictures; `near`, `middle` and `far` say how far the named object
is from the finger tips (up to 10 cm, 25 cm, more); p90 is the 90 % quantile; `grasp_deg` is in
degrees of a circle that stands for the angle after which a grasp repeats itself.

| measure | value |
|---|---|
{rows}
## Configuration

```yaml
{yaml.safe_dump(to_json(config), sort_keys=False).rstrip()}
```
"""


def probe_card(found: dict[str, float]) -> str:
    """Return the part of the card that says what can be read from the frozen features."""
    rows = "".join(f"| {name} | {value:.4g} |\n" for name, value in found.items())
    return f"""
## What a policy can read

Where the named object is, told from the frozen features of the prompt's last tokens by a linear map
and by a network with one hidden layer, on held-out pictures:

| measure | value |
|---|---|
{rows}"""


def _name(name: str, views: tuple[str, ...]) -> str:
    for number, view in enumerate(views):
        name = name.replace(f"place_{number}_px", f"place_{view}_px")
    return name
