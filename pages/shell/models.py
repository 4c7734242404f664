"""Models by name, each loaded once: bundles, the engines on them, and whose turn it is to use them."""

import gc
import os
import tempfile
import threading
from pathlib import Path

import streamlit as st
import torch

from l2i_core import L2I, bundle_folders, load_bundle
from l2i_core.bundle import Bundle, outline
from l2i_core.dictionary import choice
from l2i_core.registry import plugin_files
from pages.show.words import sentence

DEFAULT_BUNDLE = "esc50-yamnet"  # its f holds in noise, and knows fifty classes
DICTIONARIES = {
    choice.BUNDLE: ("the model's", "Learned from the sounds that the model was trained on."),
    choice.CLIP: ("the clip's own", "Learned from the clip alone; other clips have others."),
}


def workers() -> int:
    """How many passes of f and Ψ go on at once: L2I_WORKERS, by default one for each core."""
    text = os.environ.get("L2I_WORKERS", "")
    return int(text) if text.isdecimal() and int(text) > 0 else os.cpu_count() or 1


# f and Ψ use a core each time: requests take turns, and a slow one does not stop the others.
turn = threading.BoundedSemaphore(workers())


def folders() -> dict[str, Path]:
    """Models at hand: shipped, below L2I_BUNDLES, and those that this session added."""
    added: dict[str, Path] = st.session_state.get("l2i_added_models", {})
    return bundle_folders() | added


def add(folder: Path) -> None:
    """Show a bundle's folder in this session."""
    added = st.session_state.setdefault("l2i_added_models", {})
    added[folder.name] = folder


def session_folder() -> Path:
    """A folder that goes when the session does."""
    key = "l2i_session_folder"
    if key not in st.session_state:
        st.session_state[key] = tempfile.TemporaryDirectory(prefix="l2i-models-")
    return Path(st.session_state[key].name)


def bundle_names() -> list[str]:
    """Models at hand, the shipped one first; ValueError where there is none."""
    names = sorted(folders(), key=lambda name: (name != DEFAULT_BUNDLE, name))
    if not names:
        raise ValueError(
            "no model is at hand: assets/bundles is empty. Restore it, or name a folder of "
            "bundles in the environment variable L2I_BUNDLES."
        )
    return names


def outlines() -> dict[str, str]:
    """A line on each model at hand, none of them loaded; on a damaged one, what is wrong."""
    known, lines = folders(), {}
    for name in bundle_names():
        try:
            lines[name] = outline(known[name])
        except ValueError as error:
            lines[name] = sentence(str(error))
    return lines


def bundle_stamp(name: str) -> float:
    """The date of the newest file of a bundle or plug-in: what was replaced is loaded anew."""
    plugins = [path for room in ("classifiers", "explainers") for path in plugin_files(room)[0]]
    return max(path.stat().st_mtime for path in (*folders()[name].iterdir(), *plugins))


def bundle(name: str, dictionary: str = choice.BUNDLE) -> Bundle:
    """A model by name, with its own W or another; ValueError says what is missing or damaged."""
    return _bundle(str(folders()[name]), bundle_stamp(name)).with_dictionary(dictionary)


def dictionaries(bundle: Bundle, interpreter: str) -> list[str]:
    """Which W an interpreter of a model explains with, the one that it does best with first: a
    trained one with the model's alone, any other with a clip's own too, which is all that a model
    without W has. ValueError for an interpreter that the model has not."""
    if interpreter in bundle.interpreters or not bundle.dictionary.n_components:
        return [choice.BUNDLE]
    best = bundle.explainer(interpreter).dictionary
    return sorted(DICTIONARIES, key=lambda name: name != best)


def engine(name: str, interpreter: str, dictionary: str = choice.BUNDLE) -> L2I:
    """The engine for one interpreter of a model, with the model's W or each clip's own."""
    return _engine(str(folders()[name]), bundle_stamp(name), interpreter, dictionary)


@st.cache_resource(show_spinner="Loading the model …", max_entries=4)
def _bundle(folder: str, stamp: float) -> Bundle:
    torch.set_num_threads(1)
    loaded = load_bundle(folder)
    # What torch and the model allocated stays for good: later collections need not visit it.
    gc.collect()
    gc.freeze()
    return loaded


@st.cache_resource(show_spinner=False, max_entries=16)
def _engine(folder: str, stamp: float, interpreter: str, dictionary: str) -> L2I:
    return L2I(_bundle(folder, stamp).with_dictionary(dictionary), interpreter)
