"""A bundle's measured figures for the pages: read once, from its `metrics` folder.

No audio is needed; a clip of the evaluation opens in Listen where its audio is at hand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

import pandas as pd
import streamlit as st

from l2i_core.bundle import Bundle
from l2i_core.data import sets
from l2i_core.data.clips import NOTHING, classes_of
from l2i_core.dictionary import choice
from l2i_core.measure import records
from l2i_core.measure.records import ClipRow, LevelRow, to_csv
from pages.shell import clips, models, state
from pages.shell.cached import Key
from pages.shell.clips import ClipSource
from pages.show.files import download
from pages.show.words import THIN, class_name, folds, masked, sentence

DECIMALS = st.column_config.NumberColumn(format="%.2f")
_SHARES = st.column_config.NumberColumn(format="percent")
Table = Sequence[dict[str, Any]]  # what a reader sees: figures by heading


@dataclass(frozen=True, slots=True)
class Results:
    """One interpreter's evaluation: its block of summary.json, a row per clip, and per clip and τ."""

    interpreter: str
    summary: dict[str, Any]
    clips: tuple[ClipRow, ...]
    levels: tuple[LevelRow, ...]

    @property
    def about(self) -> dict[str, Any]:
        """Data set, folds, draws, mask domain and seed of the evaluation."""
        return self.summary.get("about", {})


class Shown(Protocol):
    """A clip of a table that may be chosen (of a multi-label model with a class, then `case` names
    both); predicted: the class to explain of it."""

    @property
    def clip(self) -> str: ...
    @property
    def predicted(self) -> str: ...
    @property
    def case(self) -> str: ...


S = TypeVar("S", bound=Shown)


def figures(name: str, file: str) -> dict[str, dict[str, Any]]:
    """A bundle's metrics/FILE.json, a block for every system or interpreter in the file's order: file
    is "summary", "baselines", "noise", "overlap", "truth", "randomisation"; {} for none."""
    bundle = models.bundle(name)
    return _figures(name, file, _stamp(bundle), bundle)


def systems(name: str) -> dict[str, dict[str, Any]]:
    """Every measured system of a bundle."""
    return figures(name, "summary")


def read(name: str, interpreter: str, dictionary: str = choice.BUNDLE) -> Results | None:
    """One interpreter's evaluation; None where it has none (with another W than the model's it
    never has), ValueError where it is damaged."""
    bundle = models.bundle(name)
    if dictionary != choice.BUNDLE or interpreter not in systems(name):
        return None
    return _read(name, _stamp(bundle), interpreter, bundle)


def draw(key: Key, page: Callable[[Results], None]) -> None:
    """The part of a page that shows an evaluation: one sentence where there is none to show."""
    try:
        found = read(*key.measured)
        if found is None:
            st.info(how_to_measure(key))
        else:
            page(found)
    except ValueError as error:
        st.error(sentence(str(error)))
    state.show_messages()
    state.write_url()


def title(bundle: Bundle, system: str) -> str:
    """How a measured system is called: an interpreter's own title, FLINT, VIBI, …"""
    if system in (known := bundle.explainers()):
        return known[system][0]
    info = bundle.baseline_info.get(system)
    return info.title if info else system.upper()


def how_to_measure(key: Key) -> str:
    """One sentence for a bundle, an interpreter or a W without metrics: what makes them."""
    name, bundle = key.bundle, models.bundle(key.bundle)
    if key.dictionary != choice.BUNDLE:
        return (
            "The model's metrics are of its own dictionary; with each clip's own, the Audit page "
            "measures your recordings."
        )
    missing = "metrics" if not systems(name) else f"metrics of the interpreter “{key.interpreter}”"
    folder = bundle.folder.name if bundle.folder else name
    return (
        f"The model “{name}” has no {missing} yet; "
        "`python -m pipelines.evaluate --config CONFIG.yaml --out FOLDER`, with the experiment "
        f"that trained it and its folder (…/{folder}), measures it on its test clips."
    )


def provenance(results: Results) -> str:
    """Where the figures come from, in one line."""
    about = results.about
    known = str(about.get("data", "a data set that is not named"))
    data = sets.title(known)
    numbers = about.get("test_folds", [])
    where = f", {folds(known, numbers)}" if numbers else ""
    parts = [f"{data}{where}, {len(results.clips)} clips"]
    task = results.levels[0].task
    if task.multi_label:
        parts[0] += f", {task.counted(len({row.case for row in results.levels}))} above 0.5"
    if "random_draws" in about:
        parts.append(f"{about['random_draws']} random draws per clip and τ")
    if "seed" in about:
        parts.append(f"seed {about['seed']}")
    if about.get("mask_domain"):
        parts.append(f"masks on {masked(about['mask_domain'])}")
    return "Measured on " + "; ".join(parts) + "."


def sources(names: Sequence[str]) -> list[ClipSource | None]:
    """The audio of evaluated clips of these names, None where it is not at hand.

    ESC-10 is a part of ESC-50: a recording that both have is taken from either.
    """
    known = clips.at_hand()
    kinds = (*clips.SETS, "folder")
    named = [[f"{kind}:{name}" for kind in kinds] for name in names]
    return [next((known[i] for i in ids if i in known), None) for ids in named]


def not_at_hand(clip: str, data: object) -> str:
    """A clip of an evaluation on `data` ("esc10", …) cannot be heard, and what would help."""
    title = clips.SETS.get(str(data), "the test set")
    return f"The audio of {clip} is not at hand: add {title} as a clip source"


def listen(results: Results, row: Shown, clip: str, threshold: float | None = None) -> NoReturn:
    """Go to Listen with the `clip` (id) of a row, f's decision on it, and the evaluation's mask domain, at τ."""
    state.put(
        clip=clip,
        window=None,
        own=None,
        domain=results.about.get("mask_domain", "log"),
        **{"class": row.predicted},
    )
    if threshold is not None:
        state.put(tau=threshold)
    state.go("listen")


def choose(
    results: Results,
    rows: Sequence[S],
    label: str,
    describe: Callable[[S], str],
    threshold: float | None = None,
) -> S:
    """A list of evaluated clips (of a multi-label model: with one of the classes heard) with a button
    that opens the chosen one in Listen.

    The choice is the setting "evaluated"; the first of `rows` where there is none yet. A clip that
    a figure or table was clicked on (`clicked`) opens at once where its audio is at hand.
    """
    by_name = {row.case: row for row in rows}
    settle_clip(rows)
    chosen = state.settle("evaluated", list(by_name), next(iter(by_name)), "evaluated clip")
    row = by_name[chosen]
    source = sources([row.clip])[0]
    if st.session_state.pop("l2i_clicked", False) and source is not None:
        listen(results, row, source.id, threshold)
    state.select(st, label, "evaluated", list(by_name), lambda name: describe(by_name[name]))
    if st.button("Open in Listen", disabled=source is None, type="primary", key="open"):
        assert source is not None  # or the button is disabled
        listen(results, row, source.id, threshold)
    if source is None:
        st.caption(f"{not_at_hand(row.clip, results.about.get('data'))}.")
    return row


def settle_clip(rows: Sequence[Shown]) -> None:
    """A clip that was chosen on another page, with another class or none, is chosen here too."""
    asked = str(state.value("evaluated") or "")
    if not asked or asked in {row.case for row in rows}:
        return
    for row in rows:
        if asked == row.clip or asked.startswith(f"{row.clip}:"):
            state.put(evaluated=row.case)
            return


def clicked(clip: str) -> None:
    """Callback's part: a clip of a figure or table was clicked (`Shown.case`)."""
    state.chose(evaluated=clip)
    st.session_state["l2i_clicked"] = True


def row_clicked(names: Sequence[str], key: str) -> None:
    """Callback: a row of the table `key`, whose rows are these clips, becomes the clip to look into;
    opening it is a button's."""
    event: Any = st.session_state.get(key)
    chosen = event["selection"]["rows"] if event else []
    if chosen and chosen[0] < len(names):
        state.chose(evaluated=names[chosen[0]])


def class_table(rows: Table, decimals: Sequence[str], shares: Sequence[str], alt: str) -> None:
    """A line per class or slice: two decimals, no minus before a zero, no column without a value."""
    frame = pd.DataFrame(rows)
    if "class" in frame:
        frame["class"] = [class_name(label) for label in frame["class"]]
    st.dataframe(
        frame.dropna(axis=1, how="all").apply(_rounded),
        hide_index=True,
        column_config={**dict.fromkeys(decimals, DECIMALS), **dict.fromkeys(shares, _SHARES)},
        alt=alt,
    )


def csv_buttons(
    files: Sequence[tuple[str, str, Table]],
    stem: str,
    about: Mapping[str, Any] | None = None,
) -> None:
    """A download for each: its title, its part of the file's name behind `stem`, its rows, each
    with the columns `about` in front."""
    for title, name, rows in files:
        download(
            f"{title} (CSV)",
            to_csv([{**(about or {}), **row} for row in rows]),
            f"{stem}-{name}.csv",
        )


def _rounded(column: pd.Series) -> pd.Series:
    return column.round(2) + 0.0 if pd.api.types.is_float_dtype(column) else column


def p_value(p: float) -> str:
    """ "p = 0.012", "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def interval(low: float, high: float) -> str:
    """A 95 % interval of a share, in per cent."""
    return f"{100 * low:.0f}–{100 * high:.0f}{THIN}%"


def labelled(label: object) -> str:
    """A written label for the reader: "dog + engine", "none" where it holds none, "unknown"."""
    names = " + ".join(class_name(name) for name in classes_of(str(label)))
    return names or ("none" if label == NOTHING else "unknown")


def _stamp(bundle: Bundle) -> float:
    """The date of the newest file of the metrics: a new evaluation is read anew."""
    folder = _folder(bundle)
    return max((p.stat().st_mtime for p in folder.glob("*")), default=0.0) if folder else 0.0


def _folder(bundle: Bundle) -> Path | None:
    return bundle.folder / "metrics" if bundle.folder else None


@st.cache_resource(show_spinner=False, max_entries=32)
def _figures(name: str, file: str, stamp: float, _bundle: Bundle) -> dict[str, dict[str, Any]]:
    found = _bundle.experiment(file)
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(b, dict) for b in found.values()):
        raise ValueError(f"{name}/metrics/{file}.json is damaged: it must hold a block per system.")
    return found


@st.cache_resource(show_spinner="Reading the metrics …", max_entries=16)
def _read(name: str, stamp: float, interpreter: str, _bundle: Bundle) -> Results:
    folder = _folder(_bundle)
    assert folder is not None  # it has a summary
    try:
        clips, levels = records.read_evaluation(folder, interpreter)
    except OSError as error:
        lost = Path(error.filename or interpreter).name
        raise ValueError(f"{name}/metrics lacks {lost}, or it cannot be read.") from error
    except ValueError as error:
        raise ValueError(f"{name}/metrics/{error}") from error
    for table, found in (("clips", clips), ("levels", levels)):
        if not found:
            raise ValueError(f"{name}/metrics/{table}-{interpreter}.csv holds no rows.")
    return Results(interpreter, systems(name)[interpreter], tuple(clips), tuple(levels))
