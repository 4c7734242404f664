"""What the noise and the overlap experiment gave on a model's test set: the Noise lab's last tab.

Everything is read from the bundle's metrics, where `pipelines.experiments` left it; no audio is
needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from l2i_core import metrics, noise_lab, paper
from l2i_core.experiments import GROUPS, MEASURES, PAPERS_SNR
from l2i_core.noise_lab import Row
from pages.shared import comparisons, pictures, plots, results, state
from pages.shared.comparisons import Line
from pages.shared.context import View
from pages.shared.words import THIN, decibels, logit, percent, sentence

Blocks = dict[str, dict[str, Any]]
HEARD = {"all": "All", "top2": "Among f's first two", "top1": "f's first"}
_AXIS = "share of the sound energy"


def draw(view: View) -> None:
    """Both experiments, or how to run what is missing."""
    sections = {
        "noise": ("What does white noise do to the whole test set?", noise_rows, noise),
        "overlap": ("Two clips at once: which one does B hold?", overlap_rows, overlap),
    }
    opening = st.empty()
    files: list[tuple[str, str, Sequence[Row]]] = []
    missing = []
    for kind, (question, rows_of, section) in sections.items():
        try:
            blocks = results.experiment(view.key[0], kind)
            rows = _rows(view, kind, blocks, rows_of)
        except ValueError as error:
            st.error(sentence(str(error)))
            continue
        if not rows:
            missing.append(kind)
            continue
        st.subheader(question, anchor=False)
        section(view, blocks, rows)
        files.append((f"{kind.capitalize()}, figures", f"{view.key[0]}-{kind}", rows))
    if missing:
        _missing(view, missing)
    state.show_messages()
    state.write_url()
    if files:
        opening.caption(
            "Measured beforehand and stored with the model. Of what stands above only the model, "
            "the interpreter and τ matter here."
        )
        _downloads(view, files)


def _missing(view: View, kinds: Sequence[str]) -> None:
    """What would be here, and the command that makes it."""
    told = {
        "noise": "how often the class survives white noise from −10 to 30 dB, and how much of clip "
        "and noise passes into B",
        "overlap": "what of either clip passes into B when two of different classes are mixed, "
        "beside random components of equal log energy",
    }
    bundle = view.engine.bundle
    folder = bundle.folder.name if bundle.folder else view.key[0]
    one = len(kinds) == 1
    st.subheader("Not measured yet", anchor=False)
    st.info(
        f"The model “{view.key[0]}” has no stored {' and no '.join(kinds)} experiment. "
        f"{'It tells' if one else 'The two tell'} {'; and '.join(told[kind] for kind in kinds)}. "
        f"This command measures {'it' if one else 'both'} on the model's own test set, in a few "
        "minutes for each interpreter."
    )
    only = f" --only {kinds[0]}" if one else ""
    st.code(f"python -m pipelines.experiments --bundle {folder}{only}", language="bash")


def _rows(
    view: View, kind: str, blocks: Blocks, rows_of: Callable[[str, Blocks], list[Row]]
) -> list[Row]:
    try:
        return [row for name, block in blocks.items() for row in rows_of(name, block)]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{view.key[0]}/metrics/{kind}.json is damaged: {error}; run the experiment again."
        ) from error


# --- noise ------------------------------------------------------------------------------------


def noise_rows(interpreter: str, block: dict[str, Any]) -> list[Row]:
    """An interpreter's figures, a row per set of clips, SNR and τ; "all" is the whole test set."""
    levels = [("all", PAPERS_SNR, block["test_set"])]
    levels += [("swept", float(snr), table) for snr, table in block["levels"].items()]
    shares = ("n", "top5", "top1", "clean_top5", "decision", "noisy_top5")
    return [
        {
            "interpreter": interpreter,
            "clips": clips,
            "snr_db": snr,
            **{name: table[name] for name in shares},
            "threshold": float(threshold),
            **_figures(figures),
        }
        for clips, snr, table in levels
        for threshold, figures in table["thresholds"].items()
    ]


def noise(view: View, blocks: Blocks, rows: Sequence[Row]) -> None:
    """The paper's 0 dB on all clips, then the curve over SNRs."""
    tau = _nearest(view, rows)
    shown = [row for row in rows if row["threshold"] == tau]
    whole = [row for row in shown if row["clips"] == "all"]
    own = next((row for row in whole if row["interpreter"] == view.engine.interpreter_name), None)
    total = len(view.engine.classes)
    if own is not None:
        low, high = metrics.wilson_interval(round(own["top5"] * own["n"]), own["n"])
        st.markdown(
            f"**At 0 dB the class survives among the top 5 of {_title(view, own)} on "
            f"{round(own['top5'] * own['n'])} of {own['n']} clips** ({percent(own['top5'])}, 95 % "
            f"interval {results.interval(low, high)}). Without noise: "
            f"{percent(own['clean_top5'])}; by chance, five of {total} classes: "
            f"{percent(min(noise_lab.TOP, total) / total)}. f itself keeps its class on "
            f"{percent(own['decision'])}: where f gives it up, an interpreter that follows f "
            "should too."
        )
    st.markdown(f"**Every interpreter at 0 dB, τ = {tau:.2f}, medians over clips**")
    st.dataframe(
        pd.DataFrame(
            {
                "interpreter": _title(view, row),
                "n": row["n"],
                "in its top 5": percent(row["top5"]),
                "its first": percent(row["top1"]),
                "f keeps its class": percent(row["decision"]),
                "f's new decision in its top 5": percent(row["noisy_top5"]),
                "clip passing": _maybe(row["followed_passed"], percent),
                "noise passing": _maybe(row["rest_passed"], percent),
                "r with clip": _maybe(row["followed_correlation"], logit),
                "r with noise": _maybe(row["rest_correlation"], logit),
            }
            for row in whole
        ),
        hide_index=True,
        alt="Every interpreter at 0 dB: shares of clips, sound energy passing, correlations",
    )
    if own is not None:
        curve = [
            row
            for row in shown
            if row["clips"] == "swept" and row["interpreter"] == own["interpreter"]
        ]
        if curve:
            _over_snr(curve, tau)
    else:
        st.caption(_not_measured(view))
    _provenance(
        view,
        blocks,
        "Class: f's decision on the clean clip. Passing: the share of the sound energy that the "
        "filter |B| / |A| of the noisy clip lets through. r: Pearson's, of B's waveform with the "
        "clip's and the noise's.",
    )


def _over_snr(curve: Sequence[Row], tau: float) -> None:
    colours, snrs = pictures.palette(), [row["snr_db"] for row in curve]
    first, last, n = curve[0], curve[-1], curve[0]["n"]
    quiet = next((row for row in curve if row["snr_db"] == PAPERS_SNR), first)
    shares = [
        Line("in the interpreter's top 5", snrs, [r["top5"] for r in curve], colours.accent),
        Line("its first", snrs, [r["top1"] for r in curve], colours.accent, "dash", "diamond"),
        Line("f keeps it", snrs, [r["decision"] for r in curve], colours.neutral),
    ]
    energies = [
        _line("clip", snrs, curve, "followed_passed", colours.accent),
        _line("noise", snrs, curve, "rest_passed", colours.neutral),
    ]
    left, right = st.columns(2, gap="large")
    _chart(
        left,
        "noise-shares",
        f"At {_db(first['snr_db'])} the class is in the top 5 on {percent(first['top5'])} of {n} "
        f"clips, at {_db(last['snr_db'])} on {percent(last['top5'])}; f keeps it on "
        f"{percent(first['decision'])} and {percent(last['decision'])}",
        shares,
        snrs,
        "share of the clips",
        "the clip's level above the noise's, dB",
    )
    _chart(
        right,
        "noise-energy",
        f"At 0 dB {percent(quiet['followed_passed'])} of the clip's sound energy passes into B and "
        f"{percent(quiet['rest_passed'])} of the noise's (medians, n = {n}, τ = {tau:.2f})",
        energies,
        snrs,
        _AXIS,
        "the clip's level above the noise's, dB",
    )


# --- overlap ----------------------------------------------------------------------------------


def overlap_rows(interpreter: str, block: dict[str, Any]) -> list[Row]:
    """An interpreter's figures, a row per level, τ and whether f hears the class."""
    rows = []
    for level, thresholds in block["levels"].items():
        for threshold, groups in thresholds.items():
            for heard, table in groups.items():
                chance, test = table["random"], table["test"] or {}
                rows.append(
                    {
                        "interpreter": interpreter,
                        "snr_db": float(level),
                        "threshold": float(threshold),
                        "heard": heard,
                        "n": table["n"],
                        **_figures(table),
                        "more": table["more"],
                        **{f"random_{k}": v for k, v in _quartiles(chance).items()},
                        "random_more": chance["more"],
                        "random_matched": chance["matched"],
                        **{f"test_{k}": test.get(k) for k in ("n", "greater", "p")},
                    }
                )
    return rows


def overlap(view: View, blocks: Blocks, rows: Sequence[Row]) -> None:
    """Target against the other clip, at every level, beside chance and the paper's samples."""
    tau = _nearest(view, rows)
    heard = state.settle("heard", list(GROUPS), "all", "choice of mixtures")
    st.segmented_control(
        "Mixtures in which the explained class is, for f,",
        list(GROUPS),
        key=state.control("heard", heard),
        format_func=HEARD.__getitem__,
        required=True,
        on_change=state.changed,
        args=("heard",),
    )
    shown = [row for row in rows if row["threshold"] == tau and row["heard"] == heard]
    mine = [row for row in shown if row["interpreter"] == view.engine.interpreter_name]
    level = next((row for row in mine if row["snr_db"] == 0), None)
    if level is not None:
        st.markdown(_against(view, level))
    st.markdown(f"**Every interpreter and level, τ = {tau:.2f}, medians; Random in brackets**")
    st.dataframe(
        pd.DataFrame(_told(view, row) for row in shown),
        hide_index=True,
        alt="Every interpreter and level: correlations, sound energy passing and SI-SDR, beside Random",
    )
    left, right = st.columns([2, 1], gap="large")
    if mine:
        _over_levels(left, mine, tau)
    else:
        left.caption(_not_measured(view))
    with right:
        st.markdown("**The paper's four samples**, r of B with either")
        st.table(
            pd.DataFrame(
                [[f"{a:.2f}", f"{b:.2f}"] for a, b in paper.OVERLAP_CORRELATIONS],
                columns=["target", "the other"],
                index=[f"sample {i + 1}" for i in range(len(paper.OVERLAP_CORRELATIONS))],
            ),
            border="horizontal",
            alt="Correlations of the paper's four overlap samples with target and other sound",
        )
        st.caption(
            "ESC-50, from the companion website. Pairs and levels were chosen by hand (the "
            "released code adds the other clip at 0.09 to 1.0 of the target's peak); ours are "
            "drawn."
        )
    _provenance(
        view,
        blocks,
        "Each pair is explained for the class of either clip: the target. Random: components that "
        "B does not hold and that carry as much of ‖X‖². r with either clip is high without any "
        "choice: the mixture itself has 0.71 with both at equal level.",
    )


def _against(view: View, row: Row) -> str:
    text = (
        f"**At equal level more of the target's sound energy passes into B than of the other clip's in "
        f"{percent(row['more'])} of {row['n']} explanations by {_title(view, row)}; with Random "
        f"in {percent(row['random_more'])}.** "
    )
    if row["test_p"] is None:
        return text + "Random could never carry as much log energy."
    return text + (
        f"The difference between the two shares is larger than Random's in {row['test_greater']} "
        f"of the {row['test_n']} in which Random could carry as much log energy "
        f"({results.p_value(row['test_p'])})."
    )


def _told(view: View, row: Row) -> dict[str, Any]:
    """A row of the table, with Random's figure behind each."""

    def beside(name: str, write: Callable[[float], str]) -> str:
        return f"{_maybe(row[name], write)} ({_maybe(row[f'random_{name}'], write)})"

    return {
        "interpreter": _title(view, row),
        "target's level": _db(row["snr_db"]),
        "n": row["n"],
        "r with target": beside("followed_correlation", logit),
        "r with other": beside("rest_correlation", logit),
        "target passing": beside("followed_passed", percent),
        "other passing": beside("rest_passed", percent),
        "target passes more": beside("more", percent),
        "SI-SDR gain": beside("si_sdr_gain", decibels),
    }


def _over_levels(place: Any, mine: Sequence[Row], tau: float) -> None:
    colours, levels = pictures.palette(), [row["snr_db"] for row in mine]
    curves = [
        _line("target", levels, mine, "followed_passed", colours.accent),
        _line("other clip", levels, mine, "rest_passed", colours.neutral),
        Line(
            "target, Random",
            levels,
            [r["random_followed_passed"] for r in mine],
            colours.accent,
            "dash",
            "diamond-open",
        ),
        Line(
            "other clip, Random",
            levels,
            [r["random_rest_passed"] for r in mine],
            colours.neutral,
            "dash",
            "diamond-open",
        ),
    ]
    last = mine[-1]
    _chart(
        place,
        "overlap-energy",
        f"Where the target is {_db(last['snr_db'])} above the other, "
        f"{percent(last['followed_passed'])} of its sound energy passes and "
        f"{percent(last['rest_passed'])} of the other's; Random: "
        f"{percent(last['random_followed_passed'])} and {percent(last['random_rest_passed'])} "
        f"(medians, n = {last['n']}, τ = {tau:.2f})",
        curves,
        levels,
        _AXIS,
        "the target's level above the other clip's, dB",
    )


# --- both -------------------------------------------------------------------------------------


def _chart(
    place: Any,
    key: str,
    title: str,
    curves: Sequence[Line],
    levels: Sequence[float],
    axis: str,
    axis_x: str,
) -> None:
    place.markdown(f"**{title}**")
    place.plotly_chart(
        comparisons.lines(
            curves, 0.0, axis_x, axis, pictures.palette(), "%{x} dB: %{y:.1%}", shares=True
        ),
        key=key,
        theme=None,
        config=plots.LIVELY,
        alt=f"{title}. {sentence(axis)} at {', '.join(_db(level) for level in levels)}: "
        + "; ".join(f"{c.name} {', '.join(_maybe(y, percent) for y in c.y)}" for c in curves),
    )


def _line(
    name: str, levels: Sequence[float], rows: Sequence[Row], measure: str, colour: str
) -> Line:
    """Medians with the band of the quartiles."""
    low, high = ([row[f"{measure}_{q}"] for row in rows] for q in ("q25", "q75"))
    return Line(name, levels, [row[measure] for row in rows], colour, band=(low, high))


def _figures(table: Mapping[str, Any]) -> Row:
    return {"components": table["components"], "empty": table["empty"], **_quartiles(table)}


def _quartiles(table: Mapping[str, Any]) -> Row:
    """`MEASURES`: each median under its own name, the quartiles beside."""
    return {
        name if q == "median" else f"{name}_{q}": table[name][q]
        for name in MEASURES
        for q in ("median", "q25", "q75")
    }


def _maybe(value: float | None, write: Callable[[float], str]) -> str:
    return "–" if value is None else write(value)


def _db(level: float) -> str:
    """A level that was asked for: "−10 dB"."""
    return f"{level:g}{THIN}dB".replace("-", "−")


def _nearest(view: View, rows: Sequence[Row]) -> float:
    """The measured τ that is nearest to the chosen one."""
    return min({row["threshold"] for row in rows}, key=lambda tau: abs(tau - view.threshold))


def _title(view: View, row: Row) -> str:
    return results.title(view.engine.bundle, row["interpreter"])


def _not_measured(view: View) -> str:
    name = results.title(view.engine.bundle, view.engine.interpreter_name)
    return f"{name} was not measured; its curves are missing here."


def _provenance(view: View, blocks: Blocks, definition: str) -> None:
    """What the columns mean, and where the figures come from."""
    block = blocks.get(view.engine.interpreter_name) or next(iter(blocks.values()))
    about = block.get("about", {})
    parts = [str(about.get("data", "a data set that is not named"))]
    if "seed" in about:
        parts.append(f"seed {about['seed']}")
    if "date" in about:
        parts.append(f"measured on {about['date']}")
    if block.get("left_out"):
        parts.append(f"{block['left_out']} left out")
    taus = " and ".join(f"{tau:g}" for tau in about.get("thresholds", []))
    at = f" Measured at τ = {taus}; shown is the nearest to the one chosen." if taus else ""
    st.caption(f"{definition}{at} Bands: quartiles. {'; '.join(parts)}.")


def _downloads(view: View, files: Sequence[tuple[str, str, Sequence[Row]]]) -> None:
    """CSV files: the figures, and the rows behind those of this interpreter."""
    name, folder = view.engine.interpreter_name, view.engine.bundle.folder
    with view.corner, st.popover("Download", width="stretch"):
        results.csv_buttons(files)
        for kind in ("noise", "overlap"):
            path = Path(folder or "", "metrics", f"{kind}-rows-{name}.csv")
            if path.is_file():
                st.download_button(
                    f"{kind.capitalize()}, rows of {name} (CSV)",
                    path.read_bytes,
                    f"{view.key[0]}-{path.name}",
                    "text/csv",
                    on_click="ignore",
                    width="stretch",
                )
