"""Train FLINT and VIBI: `python -m pipelines.train_baselines --config configs/esc50.yaml`.

Needs the finished interpreters of the same config and output folder; the baselines learn from the
same f and clips. When all are trained they join the bundle in OUT. Resumable.
"""

import sys
from pathlib import Path

from pipelines.answers import Features
from pipelines.config import Config, wanted
from pipelines.loop import stage
from pipelines.runs import main_guard
from pipelines.train_interpreter import make_bundle, train


def train_all(config: Config, out: Path, only: str | None) -> None:
    """Train the config's baselines (or `only` one); all of them join the bundle."""
    features = Features()
    names = wanted("baseline", config.baselines, only)
    models = {name: train(config, name, out, features) for name in names}
    if only is None:
        make_bundle(config, out, models)


def main(argv: list[str] | None = None) -> int:
    return stage(__doc__, argv, train_all)


if __name__ == "__main__":
    sys.exit(main_guard(main))
