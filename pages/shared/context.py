"""The context bar, the same on every page: clip, model, interpreter, f's decision, class, τ.

The router draws it, so that its controls keep their place in the URL on every page. It hands the
pages a `View`: everything that was chosen, with the clip analysed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import l2i_core
from l2i_core import L2I, Analysis
from l2i_core.bundle import Bundle
from l2i_core.explain import MASK_DOMAINS
from pages.shared import clips, engines, players, state
from pages.shared.clips import ClipSource
from pages.shared.engines import Key, Overview
from pages.shared.live import Choice
from pages.shared.words import class_name, clock, sentence

_STYLE = """<style>
[data-testid=stMainBlockContainer] {max-width: 1500px; padding-top: 1.6rem; padding-bottom: 3rem}
[data-testid=stApp] {font-variant-numeric: tabular-nums}
[data-testid=stAudio] {height: 40px}
[data-testid=stHeader] {background: transparent; pointer-events: none}
.st-key-players [data-testid=stImage] img {width: 100%}
@media (max-width: 640px) {[data-testid=stMainBlockContainer] {padding-left: 1rem; padding-right: 1rem}}
</style>"""


@dataclass(frozen=True, slots=True)
class View:
    """What the user looks at. `head` and `corner` are places above the context bar, for the
    page's question and its downloads; `key` names clip and model in every cache."""

    engine: L2I
    source: ClipSource
    analysis: Analysis
    overview: Overview | None
    window: tuple[float, float] | None
    target: str
    choice: Choice
    key: Key
    head: DeltaGenerator
    corner: DeltaGenerator

    @property
    def threshold(self) -> float:
        """τ."""
        return self.choice.tau

    @property
    def domain(self) -> str:
        """The mask domain."""
        return self.choice.domain


def bar(listening: bool = False) -> None:
    """Read the URL, draw the shared controls and leave the `View` for the page.

    `listening`: the page has a player and a control of τ of its own. Without a usable model, or where a link names an upload that is not at hand, one message is
    drawn instead and the run ends.
    """
    st.html(_STYLE)
    state.read_url()
    head, corner = st.columns([5, 1.2], vertical_alignment="center")
    left, middle, right = st.columns([4.2, 1.4, 4.4], vertical_alignment="bottom")
    below, messages = st.container(), st.container()
    name, bundle = _bundle(head, right)
    interpreter = _interpreter(right, bundle)
    engine = engines.engine(name, interpreter)
    source = _clip(left, middle, engine)
    view = None
    if source is None:
        _ask_for_upload(head)
    else:
        with below:
            view = _view(engine, name, source, head, corner)
            if view is not None:
                _decision(view, listening)
    with messages:
        state.show_messages()
    state.write_url()
    if view is None:
        footer()
        st.stop()
    st.session_state["l2i_view"] = view


def current() -> View:
    """The view that the router prepared in this run."""
    return st.session_state["l2i_view"]


def choose_domain(view: View) -> None:
    """The control for the mask domain."""
    names = {
        "log": "log magnitudes, as in the paper",
        "linear": "magnitudes: B and C add up to A exactly",
    }
    st.radio(
        "The mask works on",
        MASK_DOMAINS,
        key=state.control("domain", view.domain),
        format_func=lambda domain: names[domain],
        on_change=state.changed,
        args=("domain",),
    )


def _decision(view: View, listening: bool) -> None:
    """What f says of the clip, the class to explain, and where the page has none, player and τ."""
    chance = float(view.engine.probabilities(view.analysis.logits)[view.analysis.predicted])
    said, target_place, *rest = st.columns(
        [2, 2] if listening else [2, 2, 3, 3], gap="medium", vertical_alignment="bottom"
    )
    agrees = int(view.analysis.interpreter_logits.argmax()) == view.analysis.predicted
    said.markdown(
        f"f says **{class_name(_said(view))}** {chance:.2f}  \n"
        + ("The interpreter agrees" if agrees else ":orange[The interpreter disagrees]")
    )
    target_place.selectbox(
        "Class to explain",
        view.engine.classes,
        key=state.control("class", view.target),
        format_func=lambda label: (
            f"{class_name(label)} (f's decision)" if label == _said(view) else class_name(label)
        ),
        on_change=state.changed,
        args=("class", "own"),
    )
    if listening:
        return
    tau_place, player_place = rest
    tau_place.slider(
        "τ, the relevance a component needs",
        0.0,
        state.MAX_TAU,
        step=0.01,
        key=state.control("tau", view.threshold),
        on_change=state.changed,
        args=("tau",),
    )
    sound = view.analysis.waveform.numpy()
    with player_place.container(key="players-clip"):
        st.audio(
            players.wav(sound, view.engine.audio.sample_rate, players.common_gain([sound])),
            format="audio/wav",
            alt="Player: the clip",
        )


def footer() -> None:
    """Which program and model made what is on screen."""
    name = state.value("bundle")
    try:
        model = f"model {name}: {engines.bundle(str(name)).title}"
    except (ValueError, KeyError):
        model = "no model"
    st.caption(f"L2I Explorer {l2i_core.__version__} · {model} · runs offline")


def _said(view: View) -> str:
    return view.engine.classes[view.analysis.predicted]


def _stop(head: DeltaGenerator, error: ValueError) -> None:
    head.title("L2I Explorer", anchor=False)
    st.error(sentence(str(error)))
    footer()
    st.stop()


def _bundle(head: DeltaGenerator, place: DeltaGenerator) -> tuple[str, Bundle]:
    try:
        names = engines.bundle_names()
        name = state.settle("bundle", names, names[0], "model")
        if len(names) > 1:
            place.selectbox(
                "Model",
                names,
                key=state.control("bundle", name),
                on_change=state.changed,
                args=("bundle", "interpreter", "class", "own"),
            )
        return name, engines.bundle(name)
    except ValueError as error:
        state.show_messages()
        _stop(head, error)
        raise


def _interpreter(place: DeltaGenerator, bundle: Bundle) -> str:
    names, info = list(bundle.interpreters), bundle.interpreter_info
    name = state.settle("interpreter", names, bundle.default_interpreter, "interpreter")
    place.selectbox(
        "Interpreter",
        names,
        key=state.control("interpreter", name),
        format_func=lambda n: info[n].title,
        help="\n\n".join(f"**{info[n].title}** {info[n].description}" for n in names),
        on_change=state.changed,
        args=("interpreter", "own"),
    )
    return name


def _clip(left: DeltaGenerator, middle: DeltaGenerator, engine: L2I) -> ClipSource | None:
    """The chosen clip, or None where a link names an upload that is not here."""
    try:
        known = clips.at_hand()
    except ValueError as error:
        state.notice(sentence(str(error)), "error")
        known = dict(clips.uploads())
    asked = str(state.value("clip") or "")
    asked = asked if asked in known else asked.replace(" ", "+")  # "+" in a hand-written link
    missing = clips.is_upload(asked) and asked not in known
    options = [*known, asked] if missing or not known else list(known)
    if asked in known:
        state.put(clip=asked)
    if not missing and known:
        default = clips.FIRST if clips.FIRST in known else next(iter(known))
        asked = state.settle("clip", options, default, "clip")
    left.selectbox(
        "Clip",
        options,
        key=state.control("clip", asked),
        format_func=lambda c: known[c].title if c in known else "An upload that is not here",
        on_change=state.changed,
        args=("clip", "class", "window", "own"),
    )
    with middle.popover("Upload a clip", width="stretch") if known.get(asked) else st.container():
        st.file_uploader(
            "WAV, FLAC, OGG, MP3 or AIFF; 0.1 s to 20 min. It stays on this machine.",
            clips.SUFFIXES,
            key="upload",
            on_change=_take_upload,
            args=(engine,),
        )
    return known.get(asked)


def _take_upload(engine: L2I) -> None:
    """Callback: switch to an upload; one that cannot be used changes nothing but the message."""
    state.touch()
    file: Any = st.session_state.get("upload")
    if file is None:
        return
    try:
        source = clips.from_upload(file.name, file.getvalue(), engine.audio)
    except ValueError as error:
        state.notice(f"{file.name}: {error}", "error")
        return
    clips.keep(source)
    asked = str(state.value("clip"))
    if clips.is_upload(asked) and asked not in clips.uploads():
        state.notice(f"The link is about another file ({asked}); this is {file.name}.")
    if source.id != asked:
        state.put(clip=source.id, window=None, own=None, **{"class": None})


def _ask_for_upload(head: DeltaGenerator) -> None:
    head.title("Which file is this link about?", anchor=False)
    st.info(
        f"The link shows an uploaded clip ({state.value('clip')}), and uploads stay with their "
        "owner. Upload the same file to restore the view, or choose another clip."
    )


def _view(
    engine: L2I, name: str, source: ClipSource, head: DeltaGenerator, corner: DeltaGenerator
) -> View | None:
    clip_key: Key = (name, engines.bundle_stamp(name), engine.interpreter_name, source.digest, "")
    try:
        overview, window, tag = None, None, ""
        if engines.is_long(source):
            overview = engines.overview(clip_key, engine, source)
            tag, window = _window(engine, overview)
        else:
            state.put(window=None)
        key: Key = (*clip_key[:4], tag)
        analysis = engines.analysis(key, engine, source, window)
    except ValueError as error:
        state.notice(f"{source.file_name}: {error}", "error")
        return None
    predicted = engine.classes[analysis.predicted]
    target = state.settle("class", engine.classes, predicted, "class")
    domain = state.settle("domain", MASK_DOMAINS, MASK_DOMAINS[0], "mask domain")
    choice = Choice(state.settle_tau(), domain, _own_gains(engine.dictionary.n_components))
    return View(
        engine, source, analysis, overview, window, target, choice, key, head, corner
    )


def _own_gains(n_components: int) -> dict[int, float]:
    """The user's own gains as the URL has them: "17_50-3_0" is component 17 at 0.5, 3 off."""
    text = str(state.value("own") or "")
    found = {}
    for part in filter(None, text.split("-")):
        match = re.fullmatch(r"(\d{1,4})_(\d{1,3})", part)
        if not match or int(match[1]) >= n_components or int(match[2]) > 100:
            state.notice(
                f"The link's own gains “{text[:40]}” cannot be read; components follow τ instead."
            )
            state.put(own=None)
            return {}
        found[int(match[1])] = int(match[2]) / 100
    return found


def _window(engine: L2I, overview: Overview) -> tuple[str, tuple[float, float]]:
    """The window of a long clip that is listened to: at first the one most like the decision."""
    tags = [f"{start:g}-{end:g}" for start, end in overview.windows]
    probabilities = engine.probabilities(overview.window_logits)
    best = tags[int(probabilities[:, int(overview.logits.argmax())].argmax())]
    chosen = state.settle("window", tags, best, "window")
    label = _window_label(engine, overview, tags, probabilities)
    st.selectbox(
        f"Window of this clip of {clock(overview.seconds)} min",
        tags,
        key=state.control("window", chosen),
        format_func=label,
        on_change=state.changed,
        args=("window", "class", "own"),
    )
    return chosen, overview.windows[tags.index(chosen)]


def _window_label(
    engine: L2I, overview: Overview, tags: list[str], probabilities: Any
) -> Callable[[str], str]:
    def label(tag: str) -> str:
        index = tags.index(tag)
        start, end = overview.windows[index]
        best = int(probabilities[index].argmax())
        share = float(probabilities[index, best])
        return f"{clock(start)}–{clock(end)} · {class_name(engine.classes[best])} {share:.2f}"

    return label
