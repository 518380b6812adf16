"""The model card: what a checkpoint is, from what it was made, how to run it."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from dust_model.config import ModelConfig
from dust_model.records import to_json
from dust_model.robot import RobotSpec
from dust_model.statistics import ColumnStatistics, Statistics
from dust_model.training.config import TrainConfig

CARD = "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What happened to a checkpoint.

    Attributes:
        step: updates done.
        loss: mean loss since the checkpoint before, or of the validation episodes.
        parameters: trained ones and all.
        samples: moments in the demonstrations.
    """

    step: int
    loss: float
    parameters: tuple[int, int]
    samples: int


def model_card(
    config: TrainConfig,
    model: ModelConfig,
    robot: RobotSpec,
    statistics: Statistics,
    made: Provenance,
) -> str:
    """Return the card as Markdown with the front matter that model hubs read."""
    trained, every = made.parameters
    columns = (*robot.joint_names, "gripper")
    return f"""---
library_name: dust_model
pipeline_tag: robotics
---
# {model.head.architecture} policy, {made.step} updates

{every:,} parameters, of which {trained:,} were trained on {made.samples:,} moments from
{", ".join(f"`{name}`" for name in config.data.datasets)}. Loss {made.loss:.5f}.

Views {", ".join(robot.views)} (future of {robot.primary_view}); {robot.horizon} actions at
{1 / robot.period:g} Hz; joints {", ".join(robot.joint_names)} in rad and a gripper in [0, 1].

```python
from dust_model.checkpoint import Checkpoint

checkpoint = Checkpoint.load("this folder")
backbone, policy = checkpoint.backbone(), checkpoint.policy()
```

## Data

State
{_table(statistics.state, columns)}
Actions
{_table(statistics.action, columns)}
## Configuration

```yaml
{yaml.safe_dump(to_json(config), sort_keys=False).rstrip()}
```

Head:

```yaml
{yaml.safe_dump(to_json(model.head), sort_keys=False).rstrip()}
```
"""


def _table(statistics: ColumnStatistics, columns: tuple[str, ...]) -> str:
    kinds = ("min", "q01", "mean", "q99", "max", "std")
    lines = [f"| column | scaling | {' | '.join(kinds)} |", "|---" * (2 + len(kinds)) + "|"]
    for index, name in enumerate(columns):
        numbers = [f"{getattr(statistics, kind)[index]:.4g}" for kind in kinds]
        lines.append(f"| {name} | {statistics.scaling[index]} | {' | '.join(numbers)} |")
    return "\n" + "\n".join(lines) + "\n"
