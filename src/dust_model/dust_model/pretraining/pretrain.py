"""`dust-pretrain`: teach a small vision-language model to see a cell, from labelled pictures.

    python -m dust_sim.pictures out/pictures --count 60000
    dust-pretrain config/pretrain_tiny.yaml pictures=out/pictures output=out/pretrain
    dust-train config/train_tiny.yaml checkpoint=out/pretrain/checkpoint backbone=projection ...

Ctrl-C and SIGTERM end it with a saved step, `resume=true` goes on exactly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 2 for a mistake, 130 when it was ended early."""
    parser = argparse.ArgumentParser(
        "dust-pretrain", description="Pre-train a vision-language model on labelled pictures."
    )
    parser.add_argument("config", help="YAML file, such as config/pretrain_tiny.yaml")
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="such as tower.steps=3000"
    )
    options = parser.parse_args(arguments)
    try:
        return _pretrain(options.config, options.overrides)
    except (ValueError, OSError) as error:
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        print(f"dust-pretrain: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dust-pretrain: ended at once; what was saved before is kept", file=sys.stderr)
        return 130


def _pretrain(path: str, overrides: Sequence[str]) -> int:
    # Imported here: torch and transformers take seconds that --help can spare.
    from dust_model.pretraining.assembly import Pretraining
    from dust_model.pretraining.config import load_config

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    config = load_config(path, overrides)
    if Pretraining(config, say).run():
        return 0
    say(f"{config.output}: ended early; resume=true goes on")
    return 130


if __name__ == "__main__":
    sys.exit(main())
