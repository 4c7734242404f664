"""The options by which a command names a classifier that is not ours, and what they open."""

import argparse
import sys
from pathlib import Path
from typing import Any

from l2i_core.classifiers.foreign import OUTPUTS
from l2i_core.classifiers.opening import ACCEPTED, class_list
from l2i_core.classifiers.protocol import SoundClassifier, notes_of

_OF = ("classes", "rate", "multi_label", "outputs")


def add_classifier(command: argparse.ArgumentParser, help_: str, required: bool = False) -> None:
    """--classifier and what a file or folder may not say of itself."""
    command.add_argument(
        "--classifier", metavar="MODEL", help=f"{help_}: {ACCEPTED}", required=required
    )
    command.add_argument("--classes", type=Path, metavar="FILE", help="its classes, one a line")
    command.add_argument("--rate", type=int, metavar="HZ", help="the rate that it hears")
    command.add_argument(
        "--multi-label", action="store_true", default=None, help="it may hear several classes"
    )
    command.add_argument("--outputs", choices=OUTPUTS, help="what it gives (default: found out)")


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was said of the classifier beside its name, for `opened`; ValueError where none is
    named."""
    said = {name: getattr(arguments, name) for name in _OF}
    known = [name for name, value in said.items() if value is not None]
    if arguments.classifier is None and known:
        option = known[0].replace("_", "-")
        raise ValueError(f"--{option} is of a model that --classifier names; name one.")
    said["classes"] = class_list(arguments.classes) if arguments.classes else None
    return said


def tell_notes(classifier: SoundClassifier) -> None:
    """What was assumed of a classifier, on stderr."""
    for note in notes_of(classifier):
        print(f"note: {note}", file=sys.stderr)
