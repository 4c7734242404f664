"""Tables as Markdown, and how a number, a spread and a test are written in one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from l2i_core.measure.metrics.registry import fidelities_of
from l2i_core.task import Task


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells as they are written; a "|" in one must come escaped."""
    first, *others = ("| " + " | ".join(cells) + " |" for cells in (head, *rows))
    return "\n".join([first, "|---" * len(head) + "|", *others])


def made_by(abouts: Iterable[Mapping[str, Any]]) -> str:
    """A sentence on what made the figures of which these are the `about`: command, seed, date and
    hardware; "" where no command was recorded."""
    told: dict[str, None] = {}
    for about in abouts:
        if command := about.get("command"):
            seed = f"seed {about['seed']}" if "seed" in about else ""
            rest = (seed, about["date"], about["hardware"])
            told[", ".join((f"`{command}`", *filter(None, rest)))] = None
    return f"Made by {'; '.join(told)}." if told else ""


def decimal(value: float | None, digits: int = 2, absent: str = "") -> str:
    """With so many decimals, never "-0.00"; `absent` for None."""
    return absent if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def fidelity_cells(block: Mapping[str, Any], task: Task) -> list[str]:
    """Every figure of fidelity; "–" where there was nothing to find."""
    return [decimal(block.get(m.name), 3, "–") for m in fidelities_of(task)]


def signed(written: str) -> str:
    """With a true minus sign."""
    return written.replace("-", "−")


def quartile_range(block: Mapping[str, Any], digits: int = 2) -> str:
    """ "q25 … q75"."""
    return f"{decimal(block['q25'], digits)} … {decimal(block['q75'], digits)}"


def spread(block: Mapping[str, Any], digits: int = 2) -> str:
    """ "median (q25 … q75)"; "" for none."""
    if block.get("median") is None:
        return ""
    return f"{decimal(block['median'], digits)} ({quartile_range(block, digits)})"


def test_cells(test: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Of a `metrics.PairedTest`: on how many the first is larger, median difference, p."""
    if test is None:
        return "none testable", "", ""
    p = "< 0.001" if test["p"] < 0.001 else f"{test['p']:.3f}"
    return f"{test['greater']} of {test['n']}", decimal(test["median_difference"]), p
