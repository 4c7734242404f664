"""The context bar, the same on every page: clip, model, interpreter, f's decision, class, τ.

The router draws it, so that its controls keep their place in the URL on every page. It hands the
pages a `View`: everything that was chosen, with the clip analysed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

import l2i_core
from l2i_core import L2I, Analysis, tables
from l2i_core.bundle import Bundle
from l2i_core.explain import MASK_DOMAINS
from l2i_core.words import joined
from pages.shared import chooser, decisions, engines, pictures, players, state
from pages.shared.clips import ClipSource
from pages.shared.engines import Key, Overview
from pages.shared.live import Choice
from pages.shared.words import class_name, sentence

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
    page's question and its downloads, `said` one beside the class to explain; `key` names clip
    and model in every cache."""

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
    said: DeltaGenerator | None = None

    @property
    def threshold(self) -> float:
        """τ."""
        return self.choice.tau

    @property
    def domain(self) -> str:
        """The mask domain."""
        return self.choice.domain

    def picture(
        self, what: Hashable, log_magnitude: Tensor | Callable[[], Tensor], dim: bool = False
    ) -> bytes:
        """`pictures.of_clip` of X_int, X_2 or X itself (F, T), which `what` names in the cache; a
        function is called where the picture is not there yet."""
        key = (self.key, what)
        return _picture(key, pictures.theme(), self.start, dim, self, log_magnitude)

    @property
    def start(self) -> float:
        """Seconds at the left edge of its pictures."""
        return self.window[0] if self.window else 0.0

    @property
    def agrees(self) -> bool:
        """Whether the interpreter follows f, of a multi-label model for the class to explain."""
        return decisions.agrees(self.engine, self.analysis, self.target)

    @property
    def decided(self) -> tuple[str, ...]:
        """The classes that f decides for, the most probable first."""
        return decisions.decided(self.engine, self.analysis.logits)

    @property
    def multi_label(self) -> bool:
        """Whether several classes may sound at once."""
        return self.engine.bundle.multi_label


@st.cache_resource(show_spinner=False, max_entries=512)
def _picture(
    key: Hashable,
    shown: str,
    start: float,
    dim: bool,
    _view: View,
    _log_magnitude: Tensor | Callable[[], Tensor],
) -> bytes:
    config = _view.engine.audio
    x = _log_magnitude() if callable(_log_magnitude) else _log_magnitude
    return pictures.of_clip(_view.analysis, x, config, shown, start, dim)


def bar(listening: bool = False) -> None:
    """Read the URL, draw the shared controls and leave the `View` for the page, which writes the
    URL once its own settings are settled: each address would be a step of the browser's Back.

    `listening`: the page has a player and a control of τ of its own. Without a usable model, or
    where a link names an upload that is not at hand, one message is drawn instead and the run
    ends.
    """
    st.html(_STYLE)
    state.read_url()
    head, corner = st.columns([5, 1.2], vertical_alignment="center")
    left, right = st.columns([6.8, 3.2], gap="small", vertical_alignment="bottom")
    models = right.container(horizontal=True, vertical_alignment="bottom", gap="small")
    below, messages = st.container(), st.container()
    name, bundle = _bundle(head, models)
    interpreter = _interpreter(models, bundle)
    engine = engines.engine(name, interpreter)
    source = chooser.choose(left, below, engine)
    view = None
    if source is None:
        chooser.ask(head)
    else:
        with below:
            view = _view(engine, name, source, head, corner)
            if view is not None:
                if known := chooser.facts(source, bundle, view.decided):
                    st.markdown(f":small[{known}]")
                view = _decision(view, listening)
    with messages:
        state.show_messages()
    if view is None:
        state.write_url()
        footer()
        st.stop()
    st.session_state["l2i_view"] = view


def current() -> View:
    """The view that the router prepared in this run."""
    return st.session_state["l2i_view"]


def _decision(view: View, listening: bool) -> View:
    """The class to explain beside f's decision; where the page has none, also player and τ.
    A listening page draws what f says itself, in `said`."""
    if listening or not view.multi_label:
        said, target_place, *rest = st.columns(
            [3, 2] if listening else [2, 2, 3, 3], gap="medium", vertical_alignment="bottom"
        )
    else:  # several classes, and what the interpreter makes of each, need the whole width
        said = st.container()
        target_place, *rest = st.columns([2, 3, 3], gap="medium", vertical_alignment="bottom")
    if not listening:
        said.markdown(_heard(view))
    chosen = "f hears it" if view.multi_label else "f's decision"
    target_place.selectbox(
        "Class to explain",
        view.engine.classes,
        key=state.control("class", view.target, relabelled=True),
        format_func=lambda label: (
            f"{class_name(label)} ({chosen})" if label in view.decided else class_name(label)
        ),
        on_change=state.changed,
        args=("class", "own"),
    )
    if listening:
        target_place.caption(_followed(view))
        return replace(view, said=said)
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
    return view


def _heard(view: View) -> str:
    """f's decision, and whether the interpreter follows it."""
    if view.multi_label:
        heard = decisions.with_chances(view.engine, view.analysis.logits)
        return f"f hears **{heard}**  \n{decisions.follows(view.engine, view.analysis)}"
    chance = float(view.engine.probabilities(view.analysis.logits)[view.analysis.predicted])
    agrees = "agrees" if view.agrees else ":orange[disagrees]"
    return f"f says **{class_name(view.decided[0])}** {chance:.2f}  \nThe interpreter {agrees}"


def _followed(view: View) -> str:
    """Where f's decision is drawn beside it: whether the interpreter follows."""
    if view.multi_label:
        return decisions.follows(view.engine, view.analysis)
    theirs = view.engine.classes[int(view.analysis.interpreter_logits.argmax())]
    return (
        f"The interpreter {'agrees' if view.agrees else 'disagrees'} with f: its first choice "
        f"is “{class_name(theirs)}”."
    )


def footer() -> None:
    """Which program and model made what is on screen."""
    name = state.value("bundle")
    try:
        model = f"model {name}: {engines.bundle(str(name)).title}"
    except (ValueError, KeyError):
        model = "no model"
    st.caption(f"L2I Explorer {l2i_core.__version__} · {model} · runs offline")


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
                help="\n\n".join(f"**{n}** {line}" for n, line in engines.outlines().items()),
                on_change=_other_model,
            )
        return name, engines.bundle(name)
    except ValueError as error:
        state.show_messages()
        _stop(head, error)
        raise


def _other_model() -> None:
    """Callback: another model, asked as the last one was, as far as it has what was asked for."""
    own = state.value("own")
    # Numbers of components and clips of an evaluation mean something else there.
    state.changed("bundle", "own", "component", "evaluated")
    name = str(state.value("bundle"))
    try:
        bundle = engines.bundle(name)
    except ValueError:  # said where it is to be used
        return
    if state.value("scale") not in tables.scales(bundle.multi_label):
        state.put(scale=None)
    there = {
        "class": bundle.classes,
        **dict.fromkeys(("interpreter", "compare"), bundle.interpreters),
    }
    gone = {n: v for n, known in there.items() if (v := state.value(n)) not in (None, *known)}
    state.put(**dict.fromkeys(gone))
    told = [
        f"no {'class' if setting == 'class' else 'interpreter'} “{class_name(str(asked))}”"
        for setting, asked in gone.items()
    ]
    lacks = f"{name} has {joined(list(dict.fromkeys(told)))}; showing its own choice instead."
    left = "Your own choice of components was for another dictionary and is left aside."
    if told or own:
        state.notice(" ".join([lacks] * bool(told) + [left] * bool(own)))


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


def _view(
    engine: L2I, name: str, source: ClipSource, head: DeltaGenerator, corner: DeltaGenerator
) -> View | None:
    try:
        stamp, digest = engines.bundle_stamp(name), source.digest
        key: Key = (name, stamp, engine.interpreter_name, digest, "")
        overview, window, place = None, None, None
        if engines.is_long(source):
            overview = _overview(key, engine, source)
            tag, window, place = chooser.window(engine, overview)
            key = (*key[:4], tag)
        else:
            state.put(window=None)
        at_once = engines.is_analysed(key, window)
        with contextlib.nullcontext() if at_once else st.spinner("Listening …"):
            analysis = engines.analysis(key, engine, source, window)
    except ValueError as error:
        state.notice(f"{source.file_name}: {error}", "error")
        return None
    predicted = engine.classes[analysis.predicted]
    target = state.settle("class", engine.classes, predicted, "class")
    if overview is not None and place is not None:
        chooser.offer_best(place, (*key[:4], ""), engine, source, overview, target)
    domain = state.settle("domain", MASK_DOMAINS, MASK_DOMAINS[0], "mask domain")
    choice = Choice(state.settle_tau(), domain, _own_gains(engine.dictionary.n_components))
    return View(engine, source, analysis, overview, window, target, choice, key, head, corner)


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


def _overview(key: Key, engine: L2I, source: ClipSource) -> Overview:
    """f's opinion of a long clip, with its progress: choosing something else ends the run."""
    bar = st.empty()

    def progress(number: int, of: int) -> None:
        bar.progress(
            number / of,
            f"A long clip: f listens to window {number + 1} of {of}. Choosing another clip stops it.",
        )

    made = engines.overview(key, engine, source, progress)
    bar.empty()
    return made
