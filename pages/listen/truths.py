"""Where the true sounds of a clip are known: what of each the interpretation holds.

For the class that is explained: its own stems together are the target, every other stem is an
interferer. Beside x_int stand energy-matched Random and the ideal mask with the same W.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import ArrayLike
from torch import Tensor

from l2i_core.data import scenes
from l2i_core.dictionary.masking import MASK_DOMAINS
from l2i_core.measure import stems as passing
from l2i_core.measure import truth
from l2i_core.measure.explained import Explained
from l2i_core.measure.random import can_match
from l2i_core.measure.stems import Passed, Stems
from l2i_core.words import ALL_OTHERS, joined
from pages.shell import cached, models
from pages.shell.clips import ClipSource
from pages.shell.memory import MEGABYTE, Memory
from pages.shell.view import View
from pages.show import pictures, plots
from pages.show.choice import Choice
from pages.show.pictures import Palette
from pages.show.sounds import Sound, hear
from pages.show.words import class_name, decibels, percent, sentence

SYSTEMS = {
    "interpretation": "B · what it listened to",
    "random_energy": "Random of equal log energy",
    "ideal": "ideal mask with this W",
}
DRAWS = truth.Settings().random_draws
_stems: Memory[tuple[Stems, list[Tensor]]] = Memory(128 * MEGABYTE)


@dataclass(frozen=True, slots=True)
class Truth:
    """Names and sounds (n′,) of a clip's true parts for one class, the target first."""

    names: tuple[str, ...]
    sounds: tuple[np.ndarray, ...]
    key: tuple[Any, ...]

    @property
    def rest(self) -> np.ndarray:
        """Everything but the target."""
        return np.add.reduce(self.sounds[1:])


def draw(view: View) -> None:
    """The section, for a clip with known stems; nothing for any other."""
    try:
        stems = view.source.stems()
    except ValueError:  # the clip itself could be read: it is said where it is played
        return
    if not stems or view.window:
        return
    st.subheader("Does B hold the true sound?", anchor=False)
    theirs = [scenes.class_of(label, view.engine.classes) for label in _labels(stems)]
    if view.target not in theirs:
        _none_of_it(view, stems, theirs)
        return
    try:
        found = _truth(view, stems)
        heard = _heard(view, found, view.domain)
    except ValueError as error:
        st.error(sentence(str(error)))
        return
    energy = view.engine.component_energy(view.analysis)
    matched = can_match(energy, _made(view, view.domain).interpretation.gains)
    st.markdown(f"**{finding(view, found, heard)}** {_beside(found, heard, matched)}")
    _listening(view, found)
    left, right = st.columns([6, 5], gap="large")
    with left:
        _bars(view, found, heard)
    if len(found.names) > 1:  # of one sound alone SI-SDR asks nothing
        with right:
            _table(view, found)
    st.caption(
        "This is no source separation: f may need little of a sound. Sound energy passing: the filter "
        "|B| / |A| applied to each true sound. The ideal mask knows the true sounds: how far apart the "
        "patterns of W could keep them."
    )


def finding(view: View, found: Truth, heard: dict[str, Sequence[Passed]]) -> str:
    """What the interpretation keeps of each true sound, in one sentence."""
    own = heard["interpretation"][0].shares
    if not any(share > 0 for share in own):
        return f"B is silence: nothing of {joined(found.names)} is kept."
    parts = [f"{percent(share)} of {name}" for name, share in zip(found.names, own, strict=True)]
    return f"x_int keeps {joined(parts)}."


def _beside(found: Truth, heard: dict[str, Sequence[Passed]], matched: bool) -> str:
    """Whether the target passes most, and the same of Random and of the ideal mask; "" for a
    silent B, of which there is nothing to compare. matched: Random could take as much log energy."""
    own, best, chance = (heard[n] for n in ("interpretation", "ideal", "random_energy"))
    if not any(share > 0 for share in own[0].shares):
        return ""
    if len(found.names) == 1:
        return "There is no other sound in it."
    first = own[0].target_first
    text = "The target passes most. " if first else ":orange[Another sound passes more.] "
    lucky = sum(h.target_first for h in chance)
    if matched:
        text += (
            f"{lucky} of {len(chance)} random choices of equal log energy put the target first; "
        )
    else:
        which = "the target" if lucky else "another sound"
        text += f"{sentence(ALL_OTHERS)} put {which} first; "
    text += (
        f"the ideal mask keeps {percent(best[0].target.share)} of it and at most {percent(best[0].interferer)} of "
        "another sound."
    )
    return text


def _labels(stems: Sequence[ClipSource]) -> list[str]:
    """The label of each stem, "" where it has none or several."""
    return [stem.labels[0] if len(stem.labels) == 1 else "" for stem in stems]


def _called(stems: Sequence[ClipSource]) -> list[str]:
    """ "the dog" for a stem that alone has its label, else its title in quotes."""
    labels = _labels(stems)
    return [
        f"the {class_name(label)}" if label and labels.count(label) == 1 else f"“{stem.title}”"
        for stem, label in zip(stems, labels, strict=True)
    ]


def _none_of_it(view: View, stems: Sequence[ClipSource], theirs: Sequence[str | None]) -> None:
    text = (
        f"This clip is made of {joined(_called(stems))}; none of that is labelled as "
        f"“{class_name(view.target)}”. "
    )
    known = [f"“{class_name(label)}”" for label in dict.fromkeys(theirs) if label]
    text += (
        f"Explain {' or '.join(known)} to compare B with the true sound."
        if known
        else "None is of a class that this model knows, so there is no target to compare B with."
    )
    st.info(text)


def _truth(view: View, stems: Sequence[ClipSource]) -> Truth:
    """The stems at the model's rate: those of the class together, then the others."""
    own: list[tuple[str, np.ndarray]] = []
    others: list[tuple[str, np.ndarray]] = []
    for stem, label, name in zip(stems, _labels(stems), _called(stems), strict=True):
        mine = scenes.class_of(label, view.engine.classes) == view.target
        sound = cached.sound(view.engine, stem).numpy()
        (own if mine else others).append((name, sound))
    target = np.add.reduce([sound for _, sound in own])
    called = own[0][0] if len(own) == 1 else f"the {class_name(view.target)}"
    return Truth(
        (called, *(name for name, _ in others)),
        (target, *(sound for _, sound in others)),
        (view.key, view.target),
    )


def _heard(view: View, found: Truth, domain: str) -> dict[str, Sequence[Passed]]:
    """What passes by each of SYSTEMS in a mask domain, from the caches where it is known."""
    made = _made(view, domain)
    return _measured((*found.key, made.name), made, found)


def _made(view: View, domain: str) -> Explained:
    return view.explained(choice=Choice(view.threshold, domain, view.choice.overrides))


@st.cache_resource(show_spinner="Comparing with the true sounds …", max_entries=256)
def _measured(
    key: tuple[Any, ...], _explained: Explained, _found: Truth
) -> dict[str, Sequence[Passed]]:
    engine, analysis, made = _explained.engine, _explained.analysis, _explained.interpretation
    key = _found.key

    def gather() -> tuple[Stems, list[Tensor]]:
        stems = passing.gather(engine, analysis, _found.sounds)
        return stems, truth.project(stems)

    with models.turn:
        stems, activations = _stems.get(key, gather)
        own = stems.into(made)
        # Not by τ: one selection has one set of draws, whichever τ led to it.
        seed = (0, made.target_index)
        chance = truth.by_chance(stems, made, DRAWS, seed)
        best = _ideal(key, made.mask_domain, stems, activations)
    return {"interpretation": [own], "random_energy": chance, "ideal": [best]}


@st.cache_resource(show_spinner=False, max_entries=256)
def _ideal(key: tuple[Any, ...], domain: str, _stems: Stems, _activations: list[Tensor]) -> Passed:
    """What passes the ideal mask, which is the same at every τ."""
    return _stems.passed(truth.ideal(_stems, _activations, domain))


# --- heard, seen, counted ---------------------------------------------------------------------


def _listening(view: View, found: Truth) -> None:
    """The target, the rest and x_int: one gain, one scale of colours."""
    made = _made(view, view.domain)
    parts = {sentence(found.names[0]): found.sounds[0]}
    if len(found.names) > 1:
        parts[f"The rest: {joined(found.names[1:])}"] = found.rest
    x, title = view.analysis, SYSTEMS["interpretation"]
    drawn: dict[str, tuple[ArrayLike, bytes]] = {
        "A · input": (x.waveform, view.picture("A", x.spectrogram.log_magnitude)),
        **{name: (sound, _picture(view, name, sound)) for name, sound in parts.items()},
        title: (
            made.interpretation.audio,
            view.picture(("B", made.name), made.interpretation.log_magnitude, dim=True),
        ),
    }
    hear(
        "truth",
        [
            Sound(name, sound, picture, f"Spectrogram: {name}, on a mel scale")
            for name, (sound, picture) in drawn.items()
        ],
        view.engine.audio.sample_rate,
        subject=view.key[-2:],
        label="Listen to the true sounds and to B",
    )
    st.caption("One scale for all pictures, as above.")


def _picture(view: View, title: str, sound: np.ndarray) -> bytes:
    draw = partial(passing.log_magnitude, view.engine, view.analysis, sound)
    return view.picture(("true", view.target, title), draw)


def _bars(view: View, found: Truth, heard: dict[str, Sequence[Passed]]) -> None:
    shares = {
        SYSTEMS[system]: np.median([h.shares for h in all_], axis=0).tolist()
        for system, all_ in heard.items()
    }
    st.markdown(f"**Sound energy of each true sound that passes, at τ = {view.threshold:.2f}**")
    plots.chart(
        _share_bars([sentence(name) for name in found.names], shares, pictures.palette()),
        "truth-bars",
        "Sound energy passing: "
        + "; ".join(
            f"{system}: "
            + ", ".join(f"{n} {percent(v)}" for n, v in zip(found.names, values, strict=True))
            for system, values in shares.items()
        ),
    )


def _share_bars(
    names: Sequence[str], shares: Mapping[str, Sequence[float]], colours: Palette
) -> go.Figure:
    """Shares of energy by name, a horizontal bar for each system: the first in the accent colour,
    the second in the neutral one, the third an outline (a bound, not a result). NaN is no bar."""
    most = max((v for values in shares.values() for v in values if not np.isnan(v)), default=0.0)
    figure = plots.figure_of(
        colours,
        70 + 72 * len(names),
        {"range": [0, 1.2 * max(most, 0.01)], "visible": False},
        plots.NAMES,
        bargap=0.3,
        showlegend=True,
        margin={"t": 52, "r": 12},
    )
    outline = {"color": "rgba(0,0,0,0)", "line": {"color": colours.ink, "width": 1.5}}
    looks = ({"color": colours.accent}, {"color": colours.neutral}, outline)
    for (system, values), look in zip(shares.items(), looks, strict=False):
        text = ["" if np.isnan(v) else percent(v) for v in values]
        plots.add_bars(figure, names, values, "", name=system, marker=look, text=text)
    return figure


def _table(view: View, found: Truth) -> None:
    """SI-SDR of each system against the target, in both mask domains."""
    rows: dict[str, list[str]] = {title: [] for title in SYSTEMS.values()}
    before = 0.0
    for domain in MASK_DOMAINS:
        heard = _heard(view, found, domain)
        for system, all_ in heard.items():
            after = float(np.median([h.target.sdr_after for h in all_]))
            before = all_[0].target.sdr_before
            change = decibels(after - before)
            rows[SYSTEMS[system]] += [
                decibels(after) if np.isfinite(after) else "silence",
                (f"+{change}" if after > before else change) if np.isfinite(after) else "–",
            ]
    columns = [f"{d} masks{also}" for d in MASK_DOMAINS for also in ("", ": change")]
    st.markdown(f"**How near to {found.names[0]}: SI-SDR, {decibels(before)} for A itself**")
    st.table(
        pd.DataFrame.from_dict(rows, orient="index", columns=columns),
        border="horizontal",
        alt=f"SI-SDR of B, Random and the ideal mask against {found.names[0]}",
    )
