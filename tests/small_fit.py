"""`fit` with less of everything, for tests."""

from pathlib import Path

import pytest
import yaml

from pipelines import fit, learn_dictionary


def make_small(patch: pytest.MonkeyPatch, path: Path, seconds: float) -> None:
    """Write the recipe, made small, to PATH, and have `fit` train by it a few steps on clips of so
    many seconds."""
    recipe = yaml.safe_load(fit.RECIPE.read_text())
    recipe["data"]["seconds"] = seconds
    recipe["dictionary"] |= {"components": 6, "iterations": 9, "batch": 3}
    for settings in recipe["interpreters"].values():
        settings |= {"channels": 8, "batch_size": 4}
    recipe["evaluation"] = {"thresholds": [0.1, 0.3], "random_thresholds": [0.3], "random_draws": 2}
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    patch.setattr(fit, "RECIPE", path)
    patch.setattr(fit, "_STEPS", 8)
    patch.setattr(fit, "_COPIES", 2)
    patch.setattr(learn_dictionary, "_CHUNK", 2)
