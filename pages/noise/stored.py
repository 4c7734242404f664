"""What the noise and the overlap experiment gave on a model's test set: the Noise lab's last tab.

Everything is read from the bundle's metrics, where `pipelines.experiments` left it; no audio is
needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from l2i_core.measure.study import Row
from pages.noise import stored_noise, stored_overlap
from pages.shell import results, state
from pages.shell.view import View
from pages.show.files import download
from pages.show.words import sentence

Blocks = Mapping[str, Mapping[str, Any]]
_SECTIONS = {"noise": stored_noise, "overlap": stored_overlap}


def draw(view: View) -> None:
    """Both experiments, or how to run what is missing."""
    opening = st.empty()
    files, missing = [], []
    for kind, section in _SECTIONS.items():
        try:
            blocks = results.figures(view.key.bundle, kind)
            rows = _rows(view, kind, blocks)
        except ValueError as error:
            st.error(sentence(str(error)))
            continue
        if not rows:
            missing.append(kind)
            continue
        st.subheader(section.QUESTION, anchor=False)
        tau = min({row["threshold"] for row in rows}, key=lambda tau: abs(tau - view.threshold))
        section.draw(view, [row for row in rows if row["threshold"] == tau], tau)
        _provenance(view, blocks, section.DEFINITION)
        files.append((f"{kind.capitalize()}, figures", kind, rows))
    if missing:
        _missing(view, missing)
    state.show_messages()
    state.write_url()
    if files:
        opening.caption(
            "Measured beforehand and stored with the model: of what stands above only the model, "
            "the interpreter and τ matter here."
        )
        _downloads(view, files)


def _rows(view: View, kind: str, blocks: Blocks) -> list[Row]:
    try:
        return [row for name, block in blocks.items() for row in _SECTIONS[kind].rows(name, block)]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{view.key.bundle}/metrics/{kind}.json is damaged: {error}; run the experiment again."
        ) from error


def _provenance(view: View, blocks: Blocks, definition: str) -> None:
    """What the columns mean, and where the figures come from."""
    name = view.engine.interpreter_name
    block = blocks.get(name) or next(iter(blocks.values()))
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
    title = results.title(view.engine.bundle, name)
    own = "" if name in blocks else f" {title} was not measured; its curves are missing here."
    st.caption(f"{definition}{own}{at} Bands: quartiles. {'; '.join(parts)}.")


def _missing(view: View, kinds: Sequence[str]) -> None:
    """What would be here, and the command that makes it."""
    bundle = view.engine.bundle
    folder = bundle.folder.name if bundle.folder else view.key.bundle
    one = len(kinds) == 1
    st.subheader("Not measured yet", anchor=False)
    st.info(
        f"The model “{view.key.bundle}” has no stored {' and no '.join(kinds)} experiment: "
        f"{' '.join(_SECTIONS[kind].QUESTION for kind in kinds)} This command measures it on the "
        "model's own test set, in a few minutes for each interpreter."
    )
    only = f" --only {kinds[0]}" if one else ""
    st.code(f"python -m pipelines.experiments --bundle {folder}{only}", language="bash")


def _downloads(view: View, files: Sequence[tuple[str, str, Sequence[Row]]]) -> None:
    """CSV files: the figures, and the rows behind those of this interpreter."""
    name, folder = view.engine.interpreter_name, view.engine.bundle.folder
    with view.corner, st.popover("Download", width="stretch"):
        results.csv_buttons(files, view.key.bundle)
        for kind in _SECTIONS:
            path = Path(folder or "", "metrics", f"{kind}-rows-{name}.csv")
            if path.is_file():
                download(
                    f"{kind.capitalize()}, rows of {name} (CSV)",
                    path.read_bytes,
                    f"{view.key.bundle}-{path.name}",
                )
