"""What a model's test scenes with known stems say of its interpreters: metrics/truth.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core.measure import truth
from l2i_core.words import joined
from pages.shell import results, state
from pages.shell.view import View
from pages.show.words import decibels, percent, sentence

_COLUMNS = ("target passes most", "of the target", "of the most of another", "SI-SDR change")
_MIXTURE = "dog+rain"  # a demo clip
_SYSTEMS = {"random_energy": "Random of equal log energy", "ideal": "ideal mask with this W"}


def draw(view: View) -> None:
    """The section; one sentence and a way on where no scenes were measured."""
    st.subheader("Beside the stems", anchor=False)
    try:
        found = results.figures(view.key.bundle, "truth")
        if not found:
            _unmeasured(view)
            return
        about = found["about"]
        blocks = {name: block for name, block in found.items() if name != "about"}
        levels = list(next(iter(blocks.values()))[view.domain])
        level = min(levels, key=lambda t: abs(float(t) - view.threshold))
        rows = truth.listed(blocks, view.domain, level)
        table = {_title(view, name, system): _row(figures) for name, system, figures in rows}
        text, n = _finding(view, rows), rows[0][2]["n"]
        scenes, draws = about["scenes"], about["random_draws"]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        st.error(
            f"metrics/truth.json cannot be read ({type(error).__name__}: {error}); run "
            "pipelines.check_truth again."
        )
        return
    st.markdown(text)
    st.table(
        pd.DataFrame.from_dict(table, orient="index", columns=list(_COLUMNS)),
        border="horizontal",
        alt="How often the target passes most, the sound energy that passes of target and interferer, "
        "and the change of SI-SDR: every interpreter, its Random, and the ideal mask",
    )
    st.caption(
        f"{scenes} test scenes, {n} sounds in them that f names; medians over those. At "
        f"τ = {level}, the nearest to yours of {joined(levels)} that were measured; masks in the "
        f"{view.domain} domain. Random: {draws} draws of components outside B that carry as "
        "much log energy. The ideal mask knows the stems: how far apart the patterns of W could keep them. A "
        "fall of SI-SDR is no fault in itself: an interpretation is no source separation."
    )


def _unmeasured(view: View) -> None:
    st.info(
        "Whether an interpretation holds the right source is measured on scenes whose stems are "
        f"known: `python -m pipelines.check_truth --bundle {view.key.bundle}`, for a model that was "
        "trained on such scenes. On one clip you can hear it now:"
    )
    if st.button("Listen to a mixture with its stems", key="to mixture"):
        state.put(clip=_MIXTURE, **dict.fromkeys(("class", "window", "own")))
        state.go("listen")


def _finding(view: View, rows: Sequence[tuple[str, str, Mapping[str, Any]]]) -> str:
    """The present interpreter, or the first that was measured, beside Random and the ideal mask."""
    first = {(name, system): percent(figures["target_first"]) for name, system, figures in rows}
    names, mine = [name for name, _, _ in rows], view.engine.interpreter_name
    mine = mine if mine in names else names[0]
    best = next(share for (_, system), share in first.items() if system == "ideal")
    return (
        f"**{results.title(view.engine.bundle, mine)} lets more pass of the source it explains than "
        f"of any other in {first[mine, 'interpretation']} of the cases;** random components of "
        f"equal log energy in {first[mine, 'random_energy']}, the ideal mask with this W in {best}."
    )


def _title(view: View, name: str, system: str) -> str:
    if not name:
        return sentence(_SYSTEMS[system])
    title = results.title(view.engine.bundle, name)
    return title if system == "interpretation" else f"{_SYSTEMS[system]}, beside {title}"


def _row(figures: Mapping[str, Any]) -> tuple[str, ...]:
    gain = figures["si_sdr_gain"]
    change = "–" if gain is None else decibels(gain)
    return (
        percent(figures["target_first"]),
        percent(figures["target_passed"]),
        percent(figures["interferer_passed"]),
        f"+{change}" if gain is not None and gain > 0 else change,
    )
