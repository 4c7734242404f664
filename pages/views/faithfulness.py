"""Faithfulness: does f depend on what the interpretation holds, more than on anything else?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core import paper, tables
from l2i_core.baselines.random import beats_chance
from l2i_core.evaluation import Row
from l2i_core.metrics import PairedTest
from l2i_core.tables import ClassFaithfulness
from l2i_core.words import moved, unit
from pages.shared import comparisons, context, pictures, plots, results, state, stored_truths
from pages.shared.comparisons import Line
from pages.shared.context import View
from pages.shared.results import Results
from pages.shared.words import class_name, logit, number, percent

NONE = "none"
SHARE = tables.SHARE
SHARE_NAME, SHARE_AXIS = "share of f(x)_c − f(silence)_c", "FF / (f(x)_c − f(silence)_c)"
EVEN = 0.05  # two-sided p above which FF and a Random count as not told apart


def page() -> None:
    """The whole page."""
    view = context.current()
    view.head.title("Does f depend on what the interpretation holds?", anchor=False)
    name = view.engine.interpreter_name
    results.draw(view.key[0], name, lambda found: measured(view, found))
    stored_truths.draw(view)


def measured(view: View, found: Results) -> None:
    """Statement, distribution per class, one clip, curves over τ, interpreters, export."""
    level = tables.nearest(tables.thresholds(found.levels), view.threshold)
    words, controls = st.columns([3, 1.25], gap="large")
    with controls:
        scale, other = choices(view)
    rows = tables.at_threshold(found.clips, found.levels, level, scale)
    by_class = sorted(
        tables.faithfulness_by_class(rows, view.engine.classes),
        key=lambda c: -(c.own.median if c.own else -math.inf),
    )
    with words:
        finding(view, found, rows, level, scale)
    chart, clip = st.columns([3, 1.25], gap="large")
    with clip:
        one_clip(found, rows, level, scale)
    with chart:
        distribution(view, found, rows, by_class, level, scale)
    st.subheader("Which τ?", anchor=False)
    drawn = curves(view, found, other, level, scale, tables.counted_cases(rows))
    st.subheader(f"Interpreters at τ = {level:.2f}", anchor=False)
    interpreters(view, rows, level, scale)
    st.subheader(f"Classes at τ = {level:.2f}, in {_scale_name(scale)}", anchor=False)
    class_table(by_class)
    downloads(view, rows, by_class, drawn, level, scale)


def choices(view: View) -> tuple[str, str | None]:
    """The scale, and the interpreter that is drawn beside the chosen one (None for none)."""
    scales = tables.scales(view.multi_label)
    scale = state.settle("scale", scales, scales[0], "scale")
    st.radio(
        "FF in",
        scales,
        key=state.control("scale", scale),
        format_func=_scale_name,
        on_change=state.changed,
        args=("scale",),
        help=(
            "A drop of probability can be at most the probability that was there"
            if view.multi_label
            else "Logits depend on how f was trained"
        )
        + "; the share of what silence would take away can be compared between models.",
    )
    mine = view.engine.interpreter_name
    others = [
        n for n, block in results.systems(view.key[0]).items() if n != mine and _has_ff(block)
    ]
    if state.value("compare") == mine:  # the two were swapped in the context bar
        state.put(compare=None)
    other = state.settle("compare", [NONE, *others], NONE, "interpreter")
    st.selectbox(
        "Compare with",
        [NONE, *others],
        key=state.control("compare", other),
        format_func=lambda n: n if n == NONE else results.title(view.engine.bundle, n),
        on_change=state.changed,
        args=("compare",),
    )
    if other == NONE:
        state.put(compare=None)
        return scale, None
    return scale, other


def finding(view: View, found: Results, rows: Sequence[Row], level: float, scale: str) -> None:
    """What the data say, in words."""
    if abs(level - view.threshold) > 1e-9:
        st.caption(
            f"The evaluation has no τ = {view.threshold:.2f}; all figures are at its nearest, "
            f"**τ = {level:.2f}**."
        )
    st.markdown(f"**{statement(rows, f'Over all {tables.counted_cases(rows)}', scale)}**")
    mine = [r for r in rows if r["predicted"] == view.target]
    name = class_name(view.target)
    if mine:
        held = "heard in" if view.multi_label else "f's decision on"
        st.markdown(statement(mine, f"For “{name}” ({held} {len(mine)} clips)", scale))
    elif view.multi_label:
        st.markdown(f"f hears “{name}” in none of these clips.")
    else:
        st.markdown(f"f calls none of these clips “{name}”.")
    if rows[0]["random"] is None:
        _without_random(found, level)
    else:
        st.markdown(_energy_verdict(rows))
        st.markdown(_verdict(rows, "random", "At equal count (the paper's test)"))
        st.caption(
            "Most components are silent in any one clip, so count-matched Random removes little. "
            + _energy_note(found, level)
        )
    lost = sum(math.isnan(r["faithfulness"]) for r in rows)
    if lost:
        st.caption(
            f"{lost} of {len(rows)} {tables.cases(rows)} have no share: silence would take nothing "
            "away from them."
        )
    st.caption(
        f"FF = f(x)_c − f(x_2)_c (Eq. 6): what {_decision(view)} loses when the interpretation is "
        f"taken out of the clip. {results.provenance(found)}"
    )


def _decision(view: View) -> str:
    if view.multi_label:
        return "the probability of each class c above 0.5"
    return "f's own decision c"


def statement(rows: Sequence[Row], opening: str, scale: str) -> str:
    """What taking the interpretation out does to f at the median of the rows, and what both Randoms
    do instead, as a sentence."""
    least = tables.spread(tables.column(rows, "resolution"))
    score = f"f's {unit('class' in rows[0]).of} the class"

    def done(name: str, it: str, more: str = "") -> str:
        drawn = tables.spread(tables.column(rows, name))
        if drawn is None or least is None:
            return ""
        shares = (lambda v: percent(v) + more) if scale == SHARE else None
        return moved(drawn.median, least.median, it, shares)

    text = done("faithfulness", score, " of what silence would take away")
    if not text:
        return f"{opening}, silence would take nothing away from f: there is no share."
    energy = "random components of equal log energy"
    if not all(r["energy_matched"] for r in rows):
        energy += " (all others, where they hold less)"
    others = {"random_energy": energy, "random": "as many random components"}
    told = [f"removing {name} {did}" for k, name in others.items() if (did := done(k, "it"))]
    return (
        f"{opening}, removing what the interpretation holds {text} at the median"
        f"{'; ' if told else ''}{', '.join(told)}."
    )


def _energy_verdict(rows: Sequence[Row]) -> str:
    """The test at equal log energy, over the clips where chance can be given as much log energy as L."""
    matched = [r for r in rows if r["energy_matched"]]
    if len(matched) == len(rows):
        return _verdict(rows, "random_energy", "At equal log energy")
    if not matched:
        return (
            "In no clip do the other components hold as much log energy as the interpretation: "
            "**equal log energy cannot be tested** here; a higher τ selects less."
        )
    where = (
        f"At equal log energy, on the {len(matched)} of {len(rows)} {tables.cases(rows)} whose other "
        "components hold as much"
    )
    return _verdict(matched, "random_energy", where)


def _verdict(rows: Sequence[Row], opponent: str, where: str) -> str:
    """Whether FF and a Random can be told apart, with the test."""
    test = tables.compare(rows, opponent)
    if test is None:
        return ""
    if test.p > EVEN:
        claim = "the choice **cannot be told from chance**"
    elif test.greater * 2 > test.n:
        claim = "the choice is **better than chance**"
    else:
        claim = "the choice is :orange[**worse than chance**]"
    return f"{where}, {claim}: FF is larger on {_test(test, tables.cases(rows))}."


def _test(test: PairedTest, of: str) -> str:
    return (
        f"{test.greater} of {test.n} {of} (Wilcoxon signed-rank, two-sided, "
        f"{results.p_value(test.p)})"
    )


def _energy_note(found: Results, level: float) -> str:
    removed = found.summary.get("log_energy_removed", {}).get(f"{level:g}")
    matched = found.summary.get("random_energy", {}).get(f"{level:g}", {}).get("log_energy_removed")
    if removed is None or matched is None:
        return ""
    return (
        f"On average the interpretation takes away {percent(removed)} of ‖X‖², energy-matched "
        f"Random {percent(matched)}."
    )


def _without_random(found: Results, level: float) -> None:
    """Randoms are drawn at fewer τ than FF: say so, and offer the nearest ones."""
    drawn = tables.thresholds_with_random(found.levels)
    if not drawn:
        st.caption("This evaluation drew no Random Baseline, so FF stands alone.")
        return
    st.caption(f"No Random was drawn at τ = {level:.2f}. Compare FF with chance at:")
    nearest = sorted(sorted(drawn, key=lambda t: abs(t - level))[:2])
    with st.container(horizontal=True):
        for t in nearest:
            st.button(f"τ = {t:.2f}", key=f"tau {t}", on_click=_go_to, args=(t,))


def _go_to(threshold: float) -> None:
    state.touch()
    state.put(tau=threshold)


def distribution(
    view: View,
    found: Results,
    rows: Sequence[Row],
    by_class: Sequence[ClassFaithfulness],
    level: float,
    scale: str,
) -> None:
    """FF of every clip by class, beside the boxes of both Randoms; a click opens the clip."""
    st.markdown(f"**{_distribution_title(by_class, level, tables.counted_cases(rows))}**")
    colours = pictures.palette()
    key = f"ff {found.interpreter} {level} {scale} {pictures.theme()}"
    st.plotly_chart(
        comparisons.faithfulness_by_class(
            [r for r in rows if not math.isnan(r["faithfulness"])],
            by_class,
            [f"{class_name(c.label)}, n {c.n}" for c in by_class],
            str(state.value("evaluated") or ""),
            _axis(scale),
            colours,
        ),
        key=key,
        theme=None,
        config=plots.LIVELY,
        on_select=lambda: _point(key),
        selection_mode="points",
        alt="FF by class, medians: "
        + "; ".join(
            f"{class_name(c.label)} {_value(c.own.median if c.own else math.nan, scale)}"
            for c in by_class
        ),
    )
    short = any(r["energy_matched"] == 0 for r in rows)
    st.caption(
        "Boxes: quartiles and median, whiskers to the extremes; classes by falling median. "
        + ("Random, equal log energy: all other components where they hold less. " if short else "")
        + "A click on a point opens its clip."
    )
    if view.multi_label and level != paper.CLASSWISE_TAU:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("The paper's Fig. 2 shows the same on SONYC-UST, at:")
            t = paper.CLASSWISE_TAU
            st.button(f"τ = {t:.2f}", key="fig2", on_click=_go_to, args=(t,))


def _distribution_title(by_class: Sequence[ClassFaithfulness], level: float, n: str) -> str:
    ending = f"(τ = {level:.2f}, n = {n})"
    found = [
        beats_chance(c.own.median, c.random_energy.median, True, c.resolution)
        for c in by_class
        if c.own and c.random_energy
    ]
    if not found:
        return f"How much does f lose in each class? {ending}"
    above = f"In {found.count(True)} of {len(found)} classes the median FF is above"
    return f"{above} energy-matched Random's {ending}"


def _point(key: str) -> None:
    """Callback: a point of the figure was clicked."""
    event: Any = st.session_state.get(key)
    points = event["selection"]["points"] if event else []
    if points and points[0].get("customdata"):
        results.clicked(str(points[0]["customdata"][0]))


def one_clip(found: Results, rows: Sequence[Row], level: float, scale: str) -> None:
    """One clip of the evaluation, the least faithfully explained at first."""
    st.markdown("**One clip**")
    ordered = sorted(rows, key=lambda r: (math.isnan(r["faithfulness"]), r["faithfulness"]))
    row = results.choose(
        found,
        ordered,
        "Clip, least FF first",
        lambda r: (
            f"{r['clip']} · {class_name(r['predicted'])} · {_value(r['faithfulness'], scale)}"
        ),
        level,
    )
    shown = {
        "FF": _value(row["faithfulness"], scale),
        "energy-matched Random": _value(row["random_energy"], scale),
        "count-matched Random": _value(row["random"], scale),
        **_answers(row),
        "components": str(row["components"]),
        "sound energy kept": percent(row["energy_kept"]),
    }
    st.table(
        pd.DataFrame({"": shown}), border="horizontal", hide_header=True, alt="Figures of this clip"
    )


def _answers(row: Row) -> dict[str, str]:
    """What f and the interpreter make of the clip."""
    label = results.labelled(row["label"])
    if "class" in row:
        return {
            "f hears": class_name(row["class"]),
            "the interpreter hears it": "yes" if row["agrees"] else "no",
            "labelled": label,
            "f hears it in the interpretation": "yes" if row["same_class"] else "no",
        }
    return {
        "f says": class_name(row["predicted"]),
        "the interpreter's first choice": class_name(row["interpreter_predicted"]),
        "labelled": label,
        "f's class on the interpretation": "the same" if row["same_class"] else "another",
    }


def curves(
    view: View, found: Results, other: str | None, level: float, scale: str, n: str
) -> dict[str, list[Line]]:
    """FF_median and mean |L| of `n` cases against τ; returns what is drawn."""
    colours, blocks = pictures.palette(), results.systems(view.key[0])
    name = results.title(view.engine.bundle, found.interpreter)
    left, right = st.columns(2, gap="large")
    ff = [_ff_line(name, found.summary, scale, colours.accent)]
    size = [_size_line(name, found.summary, colours.accent)]
    if other is not None:
        theirs = results.title(view.engine.bundle, other)
        ff.append(_ff_line(theirs, blocks[other], scale, colours.ink, plain=True))
        size.append(_size_line(theirs, blocks[other], colours.ink, plain=True))
    for table, title, symbol, dash in (
        ("random_energy", "energy-matched Random", "square", "solid"),
        ("random", "count-matched Random (the paper's)", "square-open", "dot"),
    ):
        block = found.summary.get(table, {})
        key = "relative_median" if scale == "share" else "median"
        grid = sorted((t for t in block if block[t].get(key) is not None), key=float)
        if grid:
            ys = [block[t][key] for t in grid]
            ff.append(Line(title, [float(t) for t in grid], ys, colours.neutral, dash, symbol))
    for place, made, what, axis in (
        (left, ff, "Median FF", _axis(scale)),
        (right, size, "Mean size of the interpretation", "components, mean |L|"),
    ):
        place.markdown(f"**{what} against τ** (n = {n})")
        at = {line.name: dict(zip(line.x, line.y, strict=True)).get(level) for line in made}
        place.plotly_chart(
            comparisons.lines(made, level, "τ, the relevance a component needs", axis, colours),
            key=f"curve {what}",
            theme=None,
            config=plots.LIVELY,
            alt=f"{what} at τ = {level:.2f}: "
            + ", ".join(f"{k} {number(v)}" for k, v in at.items() if v is not None),
        )
    left.caption("Band: the quartiles. The dotted line is the τ shown above.")
    return {f"median FF, {scale}": ff, "mean |L|": size}


def _ff_line(
    name: str, block: dict[str, Any], scale: str, colour: str, plain: bool = False
) -> Line:
    table = block["relative_faithfulness" if scale == SHARE else "faithfulness"]
    grid = sorted((t for t in table if table[t]["median"] is not None), key=float)
    low, middle, high = ([table[t][k] for t in grid] for k in ("q25", "median", "q75"))
    x = [float(t) for t in grid]
    if plain:
        return Line(name, x, middle, colour, "dash", "diamond")
    return Line(name, x, middle, colour, band=(low, high))


def _size_line(name: str, block: dict[str, Any], colour: str, plain: bool = False) -> Line:
    table = block["faithfulness"]
    grid = sorted(table, key=float)
    ys = [table[t]["mean_components"] for t in grid]
    looks = ("dash", "diamond") if plain else ("solid", "circle")
    return Line(name, [float(t) for t in grid], ys, colour, *looks)


def interpreters(view: View, rows: Sequence[Row], level: float, scale: str) -> None:
    """All systems of the bundle that have FF at this τ, with a paired test against the chosen."""
    columns = {}
    mine = tables.column(rows, "faithfulness")
    for name, block in results.systems(view.key[0]).items():
        if not _has_ff(block) or f"{level:g}" not in block["faithfulness"]:
            continue
        theirs = results.read(view.key[0], name)
        assert theirs is not None  # it has a block
        other = tables.at_threshold(theirs.clips, theirs.levels, level, scale)
        columns[results.title(view.engine.bundle, name)] = _figures(
            view, name, other, scale, mine, rows
        )
    st.table(
        pd.DataFrame(columns),
        border="horizontal",
        alt=f"Faithfulness, size and Fid-In of every interpreter at τ = {level:.2f}",
    )
    st.caption(
        f"Fid-In: f {'hears the class in' if view.multi_label else 'names the same class on'} the "
        f"interpretation {'too' if view.multi_label else 'as on the clip'}. Sound energy kept: the "
        "interpretation's over the clip's. A larger |L| or more sound energy makes FF easier: "
        f"read them together. p: Wilcoxon signed-rank over the same {tables.cases(rows)}, two-sided."
    )


def _figures(
    view: View,
    name: str,
    other: Sequence[Row],
    scale: str,
    mine: Any,
    rows: Sequence[Row],
) -> dict[str, str]:
    own = tables.spread(tables.column(other, "faithfulness"))
    finite = [r for r in other if not math.isnan(r["faithfulness"])]
    chosen = results.title(view.engine.bundle, view.engine.interpreter_name)
    against = "the interpreter shown"
    if name != view.engine.interpreter_name:
        if [r["case"] for r in other] == [r["case"] for r in rows]:
            theirs, resolution = (tables.column(other, k) for k in ("faithfulness", "resolution"))
            test = tables.compare_columns(theirs, mine, resolution)
            against = (
                "–"
                if test is None
                else f"larger on {test.greater} of {test.n}, {results.p_value(test.p)}"
            )
        else:
            against = "other clips"
    return {
        f"median FF, {scale}": _value(own.median if own else math.nan, scale),
        "quartiles": (
            f"{_value(own.q25, scale)} … {_value(own.q75, scale)}" if own is not None else "–"
        ),
        "FF > 0": percent(sum(r["faithfulness"] > 0 for r in finite) / len(finite))
        if finite
        else "–",
        "energy-matched Random": _random(other, "random_energy", scale),
        "count-matched Random": _random(other, "random", scale),
        "mean |L|": number(float(tables.column(other, "components").mean())),
        "Fid-In": percent(float(tables.column(other, "same_class").mean())),
        "sound energy kept": percent(float(tables.column(other, "energy_kept").mean())),
        f"FF beside {chosen}'s": against,
    }


def _random(rows: Sequence[Row], name: str, scale: str) -> str:
    drawn = tables.spread(tables.column(rows, name))
    return "not drawn" if drawn is None else _value(drawn.median, scale)


def class_table(by_class: Sequence[ClassFaithfulness]) -> None:
    """The figure above as numbers."""
    results.class_table(
        class_rows(by_class),
        ("median FF", "25 %", "75 %", "Random, log energy", "Random, count", "mean |L|"),
        ("FF > 0", "Fid-In", "sound energy kept"),
        "FF, both Randoms, |L|, Fid-In and sound energy kept by class",
    )
    st.caption(
        "Random, log energy and Random, count: medians of the energy-matched and of the count-matched "
        "Random. FF above: clips whose FF is above 0 and above energy-matched Random's, of those "
        "tested: where FF is so, but all other components hold less log energy, nothing is."
    )


def class_rows(by_class: Sequence[ClassFaithfulness]) -> list[Row]:
    """The table by class as rows, for the screen and for the CSV."""
    return [
        {
            "class": c.label,
            "n": c.n,
            "median FF": c.own.median if c.own else None,
            "25 %": c.own.q25 if c.own else None,
            "75 %": c.own.q75 if c.own else None,
            "Random, log energy": c.random_energy.median if c.random_energy else None,
            "Random, count": c.random.median if c.random else None,
            "FF above": c.above_energy,
            "of tested": c.tested,
            "FF > 0": c.positive_fraction,
            "mean |L|": c.components,
            "Fid-In": c.fid_in,
            "sound energy kept": c.energy_kept,
        }
        for c in by_class
    ]


def curve_rows(drawn: Mapping[str, Sequence[Line]]) -> list[Row]:
    """The curves over τ as rows."""
    return [
        {
            "curve": what,
            "system": line.name,
            "threshold": threshold,
            "value": line.y[i],
            "25 %": line.band[0][i] if line.band else None,
            "75 %": line.band[1][i] if line.band else None,
        }
        for what, lines in drawn.items()
        for line in lines
        for i, threshold in enumerate(line.x)
    ]


def downloads(
    view: View,
    rows: Sequence[Row],
    by_class: Sequence[ClassFaithfulness],
    drawn: Mapping[str, Sequence[Line]],
    level: float,
    scale: str,
) -> None:
    """CSV files of exactly what is shown."""
    stem = f"faithfulness-{view.key[0]}-{view.engine.interpreter_name}-tau{level:.2f}-{scale}"
    head = {"bundle": view.key[0], "interpreter": view.engine.interpreter_name}
    at = {"threshold": level, "scale": scale}
    with view.corner, st.popover("Download", width="stretch"):
        by_classes = [{**head, **at, **r} for r in class_rows(by_class)]
        results.csv_buttons(
            [
                ("Clips", f"{stem}-clips", [{**head, **r} for r in rows]),
                ("Classes", f"{stem}-classes", by_classes),
                ("Curves over τ", f"{stem}-curves", [{**head, **r} for r in curve_rows(drawn)]),
            ]
        )
        st.caption(
            f"FF in {_scale_name(scale)}; clips and classes at τ = {level:.2f}, curves at every "
            "τ of the evaluation."
        )


def _has_ff(block: dict[str, Any]) -> bool:
    return bool(block.get("faithfulness"))


def _value(value: float | None, scale: str) -> str:
    if value is None:
        return "not drawn"
    if math.isnan(value):
        return "–"
    return percent(value) if scale == SHARE else logit(value)


def _scale_name(scale: str) -> str:
    return SHARE_NAME if scale == SHARE else scale


def _axis(scale: str) -> str:
    return SHARE_AXIS if scale == SHARE else f"FF in {scale}"


page()
