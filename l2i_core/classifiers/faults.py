"""What a stranger's code or file does wrong, in one sentence."""

import importlib
from typing import Any

import torch

_WHATEVER_THE_LENGTH = (
    ImportError,
    KeyError,
    NameError,
    AttributeError,
    TypeError,
    NotImplementedError,
    OSError,
    SystemExit,
)


class Raised(ValueError):
    """What a model raised inside, in one sentence; another length of sound may mend it."""


class Unusable(ValueError):
    """An answer that no other length of sound mends."""


def raised(name: str, error: BaseException, where: str = "") -> ValueError:
    """What a stranger's code raised, in one sentence: `Unusable` where a GPU is missing or the code
    is wrong whatever it is asked, else `Raised`."""
    said, kind = first_line(error), type(error).__name__
    if not torch.cuda.is_available() and any(w in said.lower() for w in ("cuda", "nvidia", "gpu")):
        return Unusable(
            f"{name} needs a GPU and there is none here ({said}); load it on the CPU, "
            "map_location='cpu'."
        )
    told = f"{name} raised {kind}{where}: {said}."
    return Unusable(told) if isinstance(error, _WHATEVER_THE_LENGTH) else Raised(told)


def first_line(error: BaseException) -> str:
    """An error's message without its further lines and its full stop."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(". ")


def extra(library: str) -> Any:
    """An optional library; ValueError says how to get it."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise ValueError(
            f"this kind of model needs {library}, which is not installed: pip install {library}."
        ) from error
