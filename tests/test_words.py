"""Names and numbers as they are written, and drops in words: these agree with the counts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from l2i_core import words
from l2i_core.measure.random import beats_chance
from l2i_core.task import task_of

ROOT = Path(__file__).resolve().parent.parent
NEAR = (0.0, 0.0004, 0.0006, 0.0019, 0.0021, 0.0049, 0.006, 0.08, 0.5, 0.5015, 0.5049, 0.5051, 1.82)
DROPS = sorted({sign * value for value in NEAR for sign in (1, -1)})


def figures(text: str) -> list[float]:
    return [float(found.replace("−", "-")) for found in re.findall(r"−?\d+\.\d+", text)]


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_negative_drop_is_a_rise(multi_label: bool) -> None:
    resolution = task_of(multi_label).resolution
    for drop in DROPS:
        text = words.moved(drop, resolution, "it")
        if abs(drop) <= resolution:
            assert text == "leaves it as it is"
        else:
            assert text.startswith("lowers" if drop > 0 else "raises")
            assert figures(text)[0] > 0, f"{text} says that nothing moves"
            assert "−" not in text


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("equal_energy", [False, True])
def test_words_and_figures_agree_with_the_count(multi_label: bool, equal_energy: bool) -> None:
    resolution = task_of(multi_label).resolution
    for own, random in np.stack(np.meshgrid(DROPS, DROPS), -1).reshape(-1, 2).tolist():
        beats = beats_chance(own, random, equal_energy, resolution)
        text = words.compared(own, random, beats, resolution)
        shown = figures(text)
        assert (" above " in text) == (beats is not False), (own, random, text)
        assert ("hold less" in text) == (beats is None)
        if " above " in text:
            assert shown[0] > max(shown[1], 0), text
        elif " below " in text:
            assert shown[0] < shown[1], text
        else:
            assert len(shown) == 1, f"{text}: two figures invite a comparison"
        if "loses nothing" in text:
            assert abs(own) <= resolution
        assert ("is surer" in text) == (own < -resolution)
        told = words.claim(own, random, beats, resolution)
        found = {True: "holds", False: "does not hold", None: "is not tested"}[beats]
        assert told.startswith(f"The claim {found}: ")


def test_a_clip_that_loses_nothing_is_not_above_a_random_that_gains() -> None:
    beats = beats_chance(0.0, -0.08, True, 2e-3)
    assert words.compared(0.0, -0.08, beats, 2e-3) == (
        "f loses nothing without its interpretation (FF 0.00)"
    )
    assert words.compared(-1.82, -2.0, beats, 2e-3) == (
        "f is surer without its interpretation (FF −1.82)"
    )


def test_who_disagrees_about_what() -> None:
    one = words.disagreement("this clip", "dog", "rain")
    assert one.startswith(
        "The interpreter disagrees with f on this clip: its first choice is “rain”, f says “dog”."
    )
    heard, missed = (words.disagreement("this clip", "dog", "", told) for told in (True, False))
    assert "f hears it, the interpreter does not" in heard
    assert "the interpreter hears it, f does not" in missed
    ending = "Do not take the interpretation for f's reasons."
    assert all(text.endswith(ending) for text in (one, heard, missed))


def _texts(path: Path) -> Iterator[str]:
    """What a module writes for readers: its strings of several words, no docstrings."""
    tree = ast.parse(path.read_text())
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) in told:
            continue
        if isinstance(node, ast.JoinedStr):
            told |= {id(part) for part in node.values}
            whole = ["{}" if isinstance(p, ast.FormattedValue) else p.value for p in node.values]
            yield "".join(whole)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


def test_the_two_energies_are_named_apart() -> None:
    named = re.compile(rf"\b({words.SOUND_ENERGY}|{words.LOG_ENERGY}|energy-matched)\b", re.I)
    folders = ("l2i_core", "pages", "pipelines")
    found = [
        f"{path.name}: {text}"
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in _texts(path)
        if re.search(r"(?<!_)energy\b", named.sub("", re.sub(r"\{[^}]*\}|`[^`]*`", "", text)), re.I)
    ]
    scripts = [p.read_text() for p in (ROOT / "pages").rglob("*.js")]
    found += [t for script in scripts for t in re.findall(r"`[^`]* of the energy[^`]*`", script)]
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    found += [
        f"{path.name}: {line}"
        for path in documents
        for line in re.sub(r"`[^`]*`|\n +", " ", path.read_text()).split("\n")
        if re.search(r"(?<!_)energy\b", named.sub("", line), re.I)
    ]
    assert not found, "\n".join(found)
