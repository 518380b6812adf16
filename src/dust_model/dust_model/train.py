"""`dust-train`: train a policy on demonstrations.

    dust-train config/train_dust.yaml data.datasets=[demos] output=out/run batch=64
    accelerate launch --num_processes 8 -m dust_model.train config/train_dust.yaml

The same command runs on one CPU, many GPUs and many nodes. Ctrl-C and SIGTERM end it with a
checkpoint, `resume=true` goes on exactly. OUTPUT/last and OUTPUT/best are checkpoints.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 2 for a mistake, 130 for a second Ctrl-C."""
    parser = argparse.ArgumentParser("dust-train", description="Train a policy on demonstrations.")
    parser.add_argument("config", help="YAML file, such as config/train_dust.yaml")
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="such as optimizer.learning_rate=3e-4"
    )
    options = parser.parse_args(arguments)
    try:
        return _train(options.config, options.overrides)
    except (ValueError, OSError) as error:
        print(f"dust-train: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dust-train: ended at once; what was saved before is kept", file=sys.stderr)
        return 130


def _one_line(error: Exception) -> str:
    """Return what a user needs; a decoding process's error comes wrapped into its traceback."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines) == 1 else lines[-1].rpartition("Error: ")[2]


def _train(path: str, overrides: Sequence[str]) -> int:
    # Imported here: torch and accelerate take seconds that --help can spare.
    import torch

    from dust_model.training.assembly import build_accelerator, build_trainer
    from dust_model.training.config import load_config

    config = load_config(path, overrides)
    torch.set_float32_matmul_precision("high")
    accelerator = build_accelerator(config)

    def say(text: str) -> None:
        if accelerator.is_main_process:
            print(text, file=sys.stderr)

    try:
        done = build_trainer(config, accelerator, say).run()
    finally:
        accelerator.end_training()
    say(f"{config.output}: {done} of {config.steps} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
