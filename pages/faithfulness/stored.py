"""What was measured beforehand and stored with the model: test scenes beside their true stems, and f
drawn anew (metrics/truth.json and randomisation.json)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core.measure import truth
from l2i_core.measure.randomisation import GOAL, STUDY
from l2i_core.words import joined
from pages.shell import results
from pages.shell.view import View
from pages.show import pictures, plots, terms
from pages.show.plots import Line
from pages.show.words import decibels, logit, masked, percent, sentence

_COLUMNS = ("target passes most", "of the target", "of the most of another", "SI-SDR change")
_SYSTEMS = {"random_energy": "Random of equal log energy", "ideal": "ideal mask with this W"}


def draw(view: View) -> None:
    """What was measured of the two, and how to measure the rest; one sentence where a file is
    damaged."""
    sections = {
        "truth": ("Beside the stems", _truth, "Ideal mask"),
        STUDY.name: ("With f drawn anew", _randomisation, "f drawn anew"),
    }
    missing = []
    for name, (title, section, term) in sections.items():
        try:
            found = results.figures(view.key.bundle, name)
            if not found:
                missing.append(f"{title.lower()} (`pipelines.check_{name}`)")
                continue
            st.subheader(title, anchor=False, help=terms.told(term))
            section(view, found)
        except (ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
            st.error(
                f"metrics/{name}.json cannot be read ({type(error).__name__}: {error}); run "
                f"pipelines.check_{name} again."
            )
    if missing:
        st.caption(f"Not measured for this model: {', '.join(missing)}.")


def _truth(view: View, found: Mapping[str, Any]) -> None:
    """What test scenes with known stems say of the interpreters."""
    about = found["about"]
    blocks = {name: block for name, block in found.items() if name != "about"}
    levels = list(next(iter(blocks.values()))[view.domain])
    level = min(levels, key=lambda t: abs(float(t) - view.threshold))
    rows = truth.listed(blocks, view.domain, level)
    table = {_title(view, name, system): _row(figures) for name, system, figures in rows}
    text, n = _beside(view, rows), rows[0][2]["n"]
    scenes, draws = about["scenes"], about["random_draws"]
    st.markdown(text)
    st.table(
        pd.DataFrame.from_dict(table, orient="index", columns=list(_COLUMNS)),
        border="horizontal",
        alt="How often the target passes most, the sound energy that passes of target and interferer, "
        "and the change of SI-SDR: every interpreter, its Random, and the ideal mask",
    )
    st.caption(
        f"Medians over {n} sounds in {scenes} test scenes; τ = {level}, the nearest of "
        f"{joined(levels)}; masks on {masked(view.domain)}; {draws} random draws."
    )


def _beside(view: View, rows: Sequence[tuple[str, str, Mapping[str, Any]]]) -> str:
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


_MEASURES = {"spearman": "Spearman's ρ of the relevances", "ssim": "SSIM of the masks"}
_LOOKS = (
    *(("solid", "square"), ("dash", "diamond"), ("dot", "circle-open"), ("dashdot", "cross")),
    *(("longdash", "square-open"), ("dash", "triangle-up"), ("dot", "x")),
)


def _randomisation(view: View, blocks: Mapping[str, Any]) -> None:
    """What is left of explanations when f's weights are drawn anew."""
    mine = view.engine.interpreter_name
    text = _finding(results.title(view.engine.bundle, mine), blocks.get(mine))
    curves = {measure: _lines(view, blocks, measure) for measure in _MEASURES}
    clips = {block["n"] for block in blocks.values()}
    seeds = {block["about"]["seeds"] for block in blocks.values()}
    chance = _chance(blocks.get(mine))
    st.markdown(text)
    for place, (measure, what) in zip(st.columns(2, gap="large"), _MEASURES.items(), strict=True):
        x = "share of f's layers drawn anew, from the top"
        figure = plots.lines(
            curves[measure], 1.0, x, what, pictures.palette(), "%{x:.0%} of the layers: %{y:.2f}"
        )
        figure.update_xaxes(tickformat=".0%", range=[-0.03, 1.06])
        if measure == "spearman":
            figure.add_hline(y=GOAL, line={"color": pictures.palette().ink, **plots.DOTTED})
        with place:
            plots.finding(what, figure, f"randomisation {measure}", " with the true f's")
    st.caption(
        f"Medians and quartiles, {_counted(clips, 'clip')}, {_counted(seeds, 'random f')}; wanted "
        f"with all layers: ρ at most {GOAL:g}.{chance}"
    )


def _finding(title: str, block: Mapping[str, Any] | None) -> str:
    """What the present explainer keeps with all layers drawn anew, and whether that is enough."""
    if block is None:
        return f"{title} was not checked; the others:"
    last = block["levels"][-1]
    undefined = last["undefined"]
    constant = f" In {undefined} of {last['n']} cases all are equal, and there is no ρ." * (
        undefined > 0
    )
    if block["passed"] is None:
        return f"**With all of f's layers drawn anew, {title} gives every component the same.**"
    rho = logit(last["spearman"]["median"])
    claim = (
        "its explanations come from what f has learned"
        if block["passed"]
        else f":orange[more than {GOAL:g}: part of them does not come from what f has learned]"
    )
    return (
        f"**With all of f's layers drawn anew, {title}'s relevances keep ρ = {rho} with the true "
        f"f's: {claim}.**{constant}"
    )


def _lines(view: View, blocks: Mapping[str, Any], measure: str) -> list[Line]:
    """A curve per explainer from the true f on, the present one's first and with its quartiles."""
    mine, colours = view.engine.interpreter_name, pictures.palette()
    names = sorted(blocks, key=lambda name: name != mine)
    others = iter(_LOOKS * (1 + len(names) // len(_LOOKS)))
    lines = []
    for name in names:
        block = blocks[name]
        known = [level for level in block["levels"] if level[measure]["median"] is not None]
        x = [0.0, *(level["layers"] / block["all_layers"] for level in known)]
        low, middle, high = (
            [1.0, *(level[measure][q] for level in known)] for q in ("q25", "median", "q75")
        )
        title = results.title(view.engine.bundle, name)
        if name == mine:
            lines.append(Line(title, x, middle, colours.accent, band=(low, high)))
        else:
            lines.append(Line(title, x, middle, colours.neutral, *next(others)))
    return lines


def _chance(block: Mapping[str, Any] | None) -> str:
    if block is None or block["ssim_chance"]["median"] is None:
        return ""
    return (
        " SSIM with the relevances shuffled among the clip's components: "
        f"{logit(block['ssim_chance']['median'])}."
    )


def _counted(numbers: set[int], what: str) -> str:
    low, high = min(numbers), max(numbers)
    ending = "" if high == 1 else "'s" if what.endswith(" f") else "s"
    return f"{low} to {high} {what}{ending}" if low != high else f"{high} {what}{ending}"
