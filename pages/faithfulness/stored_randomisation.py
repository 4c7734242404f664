"""What is left of explanations when f's weights are drawn anew: metrics/randomisation.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from l2i_core.measure.randomisation import GOAL, STUDY
from pages.shell import results
from pages.shell.view import View
from pages.show import comparisons, pictures, plots
from pages.show.comparisons import Line
from pages.show.words import logit

_MEASURES = {"spearman": "Spearman's ρ of the relevances", "ssim": "SSIM of the masks"}
_LOOKS = (
    *(("solid", "square"), ("dash", "diamond"), ("dot", "circle-open"), ("dashdot", "cross")),
    *(("longdash", "square-open"), ("dash", "triangle-up"), ("dot", "x")),
)


def draw(view: View) -> None:
    """The section; one sentence where nothing was checked."""
    st.subheader("With f drawn anew", anchor=False)
    name = view.key[0]
    try:
        blocks = results.figures(name, STUDY.name)
        if not blocks:
            st.info(
                "Whether explanations depend on what f has learned is not measured yet: "
                f"`python -m pipelines.check_randomisation --bundle {name}`. A black box, whose "
                "weights are not at hand, cannot be drawn anew."
            )
            return
        mine = view.engine.interpreter_name
        text = _finding(results.title(view.engine.bundle, mine), blocks.get(mine))
        curves = {measure: _lines(view, blocks, measure) for measure in _MEASURES}
        clips = {block["n"] for block in blocks.values()}
        seeds = {block["about"]["seeds"] for block in blocks.values()}
        chance = _chance(blocks.get(mine))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        st.error(
            f"metrics/randomisation.json cannot be read ({type(error).__name__}: {error}); run "
            "pipelines.check_randomisation again."
        )
        return
    st.markdown(text)
    for place, (measure, what) in zip(st.columns(2, gap="large"), _MEASURES.items(), strict=True):
        x = "share of f's layers drawn anew, from the top"
        figure = comparisons.lines(
            curves[measure], 1.0, x, what, pictures.palette(), "%{x:.0%} of the layers: %{y:.2f}"
        )
        figure.update_xaxes(tickformat=".0%", range=[-0.03, 1.06])
        if measure == "spearman":
            figure.add_hline(y=GOAL, line={"color": pictures.palette().ink, **plots.DOTTED})
        with place:
            plots.finding(what, figure, f"randomisation {measure}", " with the true f's")
    st.caption(
        f"Medians and quartiles over {_counted(clips, 'clip')} and {_counted(seeds, 'random f')}, "
        f"the same class explained again (Adebayo et al. 2018); wanted with all layers: ρ at most "
        f"{GOAL:g}. A trained interpreter keeps its Ψ and Θ and reads the random f's maps.{chance}"
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
