"""What every long job shares: device, precision, log file, one-sentence errors."""

import contextlib
import logging
import os
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

Item = TypeVar("Item")


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(precision: str) -> contextlib.AbstractContextManager[None]:
    """Autocast to bfloat16, or nothing for "float32"."""
    return torch.autocast(device().type, torch.bfloat16, enabled=precision == "bfloat16")


def hardware() -> str:
    """This machine's GPU, where there is one, and processor."""
    cpu = f"{os.cpu_count()} CPU cores, {_processor()}"
    return f"{torch.cuda.get_device_name()}, {cpu}" if torch.cuda.is_available() else cpu


def circumstances() -> dict[str, Any]:
    """Date and hardware."""
    return {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "hardware": hardware()}


def provenance(name: str, argv: Sequence[str] | None) -> dict[str, Any]:
    """What made a study's figures: command, date, hardware."""
    return {"command": typed(name, argv), **circumstances()}


def typed(name: str, argv: Sequence[str] | None) -> str:
    """What was typed to start pipelines.NAME with these arguments (None: the process's)."""
    given = sys.argv[1:] if argv is None else argv
    return shlex.join(["python", "-m", f"pipelines.{name}", *given])


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def evenly(items: Sequence[Item], count: int | None) -> list[Item]:
    """`count` of the items, evenly spread; all for None, or where there are no more."""
    chosen = np.linspace(0, len(items), min(count or len(items), len(items)), endpoint=False)
    return [items[int(i)] for i in chosen]


def start_log(out: Path | None = None) -> None:
    """Log lines go to stderr, and are appended to OUT/train.log of a job that has a folder."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if out is not None:
        if out.exists() and not out.is_dir():
            raise ValueError(f"--out {out} is a file; give a folder.")
        out.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(out / "train.log"))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", handlers=handlers, force=True
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
