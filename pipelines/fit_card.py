"""card.md of a bundle that `fit` made: the data, f, what was trained, and how far it follows f."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from l2i_core.bundle import Bundle
from l2i_core.data.clips import load_clip
from l2i_core.dictionary import masking
from l2i_core.dictionary.nmf import project
from l2i_core.measure.metrics.registry import fidelities_of
from l2i_core.signal import audio, spectra
from l2i_core.words import counted
from pipelines.config import Config, GivenConfig
from pipelines.evaluate import held_out_clips
from pipelines.recordings import Recording, hours
from pipelines.tables.markdown import fidelity_cells, markdown_table

_NAMED = 10  # files that are left out are named up to here; recordings.csv names all


def named(model: GivenConfig) -> str:
    """f by the end of what was given: "my_model.py:load"."""
    return Path(model.model).name


def card(
    config: Config,
    bundle: Bundle,
    recordings: Sequence[Recording],
    figures: Mapping[str, Mapping[str, Any]],
    classes: Sequence[str],
    problem: str,
    command: str,
) -> str:
    """The text. figures: summaries by system on held-out clips; classes: those that folders name;
    problem: why there are no figures, "" where there are."""
    parts = [
        f"# {bundle.name}\n\nMade by `{command}`.",
        _model(config, bundle),
        _data(recordings),
        _trained(config, bundle),
        _measured(config, bundle, figures, classes, problem),
        _LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


def _model(config: Config, bundle: Bundle) -> str:
    f = bundle.classifier
    several = "several at once" if f.multi_label else "one a clip"
    shows = "It shows no hidden layers."
    if f.layers:
        each = (f"{x.name} ({x.channels} channels, {x.step_seconds:.3g} s)" for x in f.layers)
        shows = f"Its layers that are read: {', '.join(each)}."
    gradient = "A gradient reaches" if f.differentiable else "No gradient reaches"
    return (
        f"## The model\n\n`{named(config.given)}`, {counted(len(f.classes), 'class', 'classes')} "
        f"({several}), {f.sample_rate} Hz. {shows} {gradient} the sound. The model is not part of "
        "this folder unless its file lies here; it was not changed."
    )


def _data(recordings: Sequence[Recording]) -> str:
    by_use = {
        use: [one for one in recordings if one.use == use]
        for use in ("trained on", "held out", "left out")
    }
    told = ", ".join(
        f"{use} {counted(len(some), 'file')} ({hours(some):.2f} h)"
        for use, some in by_use.items()
        if some
    )
    text = (
        f"## Recordings\n\n{counted(len(recordings), 'file')}, {hours(recordings):.2f} h: {told}. "
        "Of the files of each folder, in the order of their names' SHA-256, every fifth is held "
        "out; recordings.csv lists all. No label was used in training."
    )
    left = by_use["left out"]
    if left:
        lines = [f"- {one.clip.name}: {one.why}" for one in left[:_NAMED]]
        more = [f"- … and {len(left) - _NAMED} more"] if len(left) > _NAMED else []
        text += "\n\nLeft out:\n\n" + "\n".join(lines + more)
    return text


def _trained(config: Config, bundle: Bundle) -> str:
    w = config.dictionary
    lines = [
        f"## What was learned\n\nW: {w.components} components, sparse NMF (Eq. 5, μ = "
        f"{w.sparsity:g}) by {w.iterations} mini-batches of {w.batch} clips of "
        f"{config.data.seconds:g} s, frames averaged by {w.average}. On held-out clips "
        f"‖X − W H‖ / ‖X‖ is {_error(config, bundle):.3f} with H by projection."
    ]
    for name, settings in config.interpreters.items():
        clips = f"{settings.most_clips} clips" if settings.most_clips else "all clips"
        lines.append(
            f"- {name}: {bundle.interpreter_info[name].description} Trained on f's answers to "
            f"{clips} in {counted(settings.views + settings.partial_views, 'view')}, "
            f"{counted(settings.epochs, 'epoch')}."
        )
    return "\n".join(lines) if len(lines) == 1 else lines[0] + "\n\n" + "\n".join(lines[1:])


def _error(config: Config, bundle: Bundle) -> float:
    """‖X − W H‖ / ‖X‖ over the held-out clips together."""
    wrong, whole = [], []
    for clip in held_out_clips(config, bundle):
        samples = audio.prepare(
            load_clip(clip, bundle.audio), bundle.audio.sample_rate, bundle.audio
        )
        x = spectra.log_magnitude(samples * audio.peak_gain(samples), bundle.audio)
        h = project(x, bundle.dictionary.patterns, iterations=60)
        norm = float(x.norm())
        whole.append(norm)
        wrong.append(norm * masking.reconstruction_error(x, bundle.dictionary.patterns, h))
    return float(np.linalg.norm(wrong) / max(float(np.linalg.norm(whole)), 1e-12))


def _measured(
    config: Config,
    bundle: Bundle,
    figures: Mapping[str, Mapping[str, Any]],
    classes: Sequence[str],
    problem: str,
) -> str:
    text = "## On held-out recordings\n\n"
    if problem:
        return f"{text}Not measured: {problem}"
    if not figures:
        return f"{text}Nothing that mimics f was trained, so there is no fidelity to measure."
    asked = fidelities_of(bundle.task)
    rows = [[n, *fidelity_cells(block["fidelity"], bundle.task)] for n, block in figures.items()]
    first = next(iter(figures.values()))
    labels = "Folders do not bear the names of f's classes, so nothing is said of its accuracy."
    if classes:
        known = "their labels are unknown to f's accuracy" if bundle.multi_label else ""
        accuracy = first.get("accuracy")
        known = known if accuracy is None else f"f's accuracy is {accuracy:.3f}"
        labels = (
            f"{counted(len(classes), 'folder')} bear the names of f's classes: {known}; FF and "
            "Randoms are in metrics/."
        )
    table = markdown_table(["interpreter", *(m.symbol for m in asked)], rows)
    return f"{text}{counted(first['n'], 'clip')}. {labels}\n\nHow far each follows f:\n\n{table}"


_LIMITS = """## Limits

Held-out files are other files. Where they are pieces of the recordings that were trained on, the
figures are too good. Fidelity says how far an interpreter follows f, not whether f is right."""
