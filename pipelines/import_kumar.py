"""Kumar's AudioSet checkpoint as safetensors: `python -m pipelines.import_kumar FILE`.

The published file is a pickle. It is read here, and only here, with `weights_only=True`. The
result is where the configs that fine-tune from it look for it, unless --out names another file.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor

from l2i_core.arguments import Parser
from l2i_core.classifiers.kumar import Classifier, kumar_layout, load_kumar
from pipelines.checkpoint import save_tensors
from pipelines.runs import main_guard


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The state dict in Kumar's file; ValueError for anything else."""
    if not path.is_file():
        raise ValueError(f"no such file: {path}. Give Kumar's checkpoint (mx-h64-1024_….pkl).")
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that is no pickle may raise anything
        raise ValueError(f"{path.name} is not a checkpoint of plain tensors.") from error
    if not isinstance(values, dict) or not all(isinstance(v, Tensor) for v in values.values()):
        raise ValueError(f"{path.name} does not hold a state dict of tensors.")
    return values


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/kumar.safetensors"))
    arguments = parser.parse_args(argv)
    model = Classifier(1)
    load_kumar(model, read_checkpoint(arguments.file))
    save_tensors(arguments.out, kumar_layout(model), {})
    print(f"written to {arguments.out}; set classifier.pretrained to it.")
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
