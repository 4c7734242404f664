"""What every long job shares: device, precision, log file, one-sentence errors."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import torch


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(precision: str) -> contextlib.AbstractContextManager[None]:
    """Autocast to bfloat16, or nothing for "float32"."""
    return torch.autocast(device().type, torch.bfloat16, enabled=precision == "bfloat16")


def start_log(out: Path) -> None:
    """Log lines go to stderr and are appended to OUT/train.log."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file; give a folder.")
    out.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        handlers=[logging.StreamHandler(), logging.FileHandler(out / "train.log")],
        force=True,
    )


def main_guard(main: Callable[[], int]) -> int:
    """Run a command: bad input becomes one `error: …` line on stderr and exit code 2."""
    try:
        return main()
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; start the same command again to continue.", file=sys.stderr)
        return 130
