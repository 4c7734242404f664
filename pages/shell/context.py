"""The context bar, the same on every page: clip, model, interpreter, f's decision, class, τ.

The router draws it, so that its controls keep their place in the URL on every page. It hands the
pages a `View`: everything that was chosen, with the clip analysed.
"""

import contextlib
import re
from dataclasses import replace
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import l2i_core
from l2i_core import L2I
from l2i_core.bundle import Bundle
from l2i_core.dictionary.masking import MASK_DOMAINS
from l2i_core.measure import tables
from l2i_core.words import joined
from pages.shell import cached, chooser, decisions, link, models, projector, state, windows
from pages.shell.cached import Key, Overview
from pages.shell.clips import ClipSource
from pages.shell.view import View
from pages.show import players, terms
from pages.show.choice import MAX_TAU, Choice
from pages.show.files import read_beside
from pages.show.words import class_name, sentence

Width = int | Literal["stretch"]


def bar(listening: bool = False) -> None:
    """Read the URL, draw the shared controls and leave the `View` for the page, which writes the
    URL once its own settings are settled: each address would be a step of the browser's Back.

    `listening`: the page has a player and a control of τ of its own. Without a usable model, or
    where a link names an upload that is not at hand, one message is drawn instead and the run
    ends.
    """
    st.html(f"<style>{read_beside(__file__, 'context.css')}</style>")
    state.read_url()
    projector.switch()
    head, corner = st.columns([3, 2], vertical_alignment="center")
    corner = corner.container(horizontal=True, gap="small", key="corner")
    with corner:
        link.copy_button()
    widths = _widths()
    share = [5.3, 4.7] if len(widths) > 2 else [6.8, 3.2]
    with st.container(key="choosers"):
        left, right = st.columns(share, gap="small", vertical_alignment="bottom")
    choosers = right.container(horizontal=True, vertical_alignment="bottom", gap="small")
    below, messages = st.container(), st.container()
    name, bundle = _bundle(head, choosers, widths[0])
    interpreter = _interpreter(choosers, bundle, widths[1])
    dictionary = _dictionary(choosers, bundle, interpreter, widths[-1])
    engine = models.engine(name, interpreter, dictionary)
    source = chooser.choose(left, below, engine)
    view = None
    if source is None:
        chooser.ask(head)
    else:
        with below:
            view = _view(engine, name, dictionary, source, head, corner)
            if view is not None:
                if known := chooser.facts(source, bundle, view.decided):
                    st.markdown(f":small[{known}]")
                _sound(view)
                view = _explicable(_decision(view, listening))
    with messages:
        state.show_messages()
    if view is None:
        state.write_url()
        footer()
        st.stop()
    st.session_state["l2i_view"] = view


def _sound(view: View) -> None:
    """What is wrong with the sound, before f's decision."""
    heard = view.heard
    if heard.nothing:
        st.warning(heard.nothing)
    if heard.warnings:
        st.caption("  \n".join(heard.warnings))


def _decision(view: View, listening: bool) -> View:
    """The class to explain beside f's decision; where the page has none, also player and τ.
    A listening page draws what f says itself, in `said`."""
    if listening or not view.engine.task.multi_label:
        said, target_place, *rest = st.columns(
            [3, 2] if listening else [2, 2, 3, 3], gap="medium", vertical_alignment="bottom"
        )
    else:  # several classes, and what the interpreter makes of each, need the whole width
        said = st.container()
        target_place, *rest = st.columns([2, 3, 3], gap="medium", vertical_alignment="bottom")
    if not listening:
        said.markdown(_heard(view))
    chosen = "f hears it" if view.engine.task.multi_label else "f's decision"
    decided = dict.fromkeys(view.decided, f", {chosen}")
    chances = view.engine.probabilities(view.analysis.logits).tolist()
    values = dict(zip(view.engine.classes, chances, strict=True))
    state.select(
        target_place,
        "Class to explain",
        "class",
        decisions.offered(view.engine, view.analysis.logits),
        lambda label: f"{class_name(label)} · {values[label]:.2f}{decided.get(label, '')}",
        reset=["own"],
        relabelled=True,
    )
    if listening:
        target_place.caption(_followed(view))
        return replace(view, said=said, below=target_place)
    tau_place, player_place = rest
    tau_place.slider(
        "Threshold τ",
        0.0,
        MAX_TAU,
        step=0.01,
        help=terms.told("τ", "Relevance"),
        key=state.control("tau", view.threshold),
        on_change=state.changed,
        args=("tau",),
    )
    sound, rate = view.analysis.waveform.numpy(), view.engine.audio.sample_rate
    players.alone("players-clip", "the clip", sound, rate, player_place)
    return view


def _explicable(view: View) -> View | None:
    """The view, once its explainer has answered; None, and a message, where it fails."""
    try:
        cached.relevance(view.engine, view.analysis, view.target)
    except ValueError as error:
        state.notice(sentence(str(error)), "error")
        return None
    return view


def _heard(view: View) -> str:
    """f's decision, and whether the interpreter follows it."""
    if view.engine.task.multi_label:
        heard = decisions.with_chances(view.engine, view.analysis.logits)
        follows = decisions.follows(view.engine, view.analysis)
        return f"f hears **{heard}**{view.unsupported}  \n{follows}"
    chance = float(view.engine.probabilities(view.analysis.logits)[view.analysis.predicted])
    told = {True: "agrees", False: ":orange[disagrees]", None: "does not mimic f"}[view.agrees]
    said = f"f says **{class_name(view.decided[0])}** {chance:.2f}{view.unsupported}"
    return f"{said}  \nThe interpreter {told}"


def _followed(view: View) -> str:
    """Where f's decision is drawn beside it: whether the interpreter follows."""
    logits = view.analysis.interpreter_logits
    if view.engine.task.multi_label or logits is None:
        return decisions.follows(view.engine, view.analysis)
    theirs = view.engine.classes[int(logits.argmax())]
    return (
        f"The interpreter {'agrees' if view.agrees else 'disagrees'} with f: its first choice "
        f"is “{class_name(theirs)}”."
    )


def footer() -> None:
    """Which program this is; and what needs no place on the page."""
    st.caption(f"L2I Explorer {l2i_core.__version__} · runs offline")
    script = f"<script>{read_beside(__file__, 'back.js')}</script>"
    st.html(script, unsafe_allow_javascript=True)


def _stop(head: DeltaGenerator, error: ValueError) -> None:
    head.title("L2I Explorer", anchor=False)
    st.error(sentence(str(error)))
    footer()
    st.stop()


def _widths() -> tuple[Width, ...]:
    """Of the choosers of model and interpreter, and of W where there is a choice: as wide as they
    can be in one row."""
    try:
        name = str(state.value("bundle") or models.bundle_names()[0])
        bundle = models.bundle(name)
        interpreter = str(state.value("interpreter") or bundle.default_interpreter)
        choice_of_w = len(models.dictionaries(bundle, interpreter)) > 1
    except (ValueError, KeyError):  # said where it is to be used
        choice_of_w = False
    return (124, 156, 146) if choice_of_w else ("stretch", "stretch")


def _bundle(head: DeltaGenerator, place: DeltaGenerator, width: Width) -> tuple[str, Bundle]:
    try:
        names = models.bundle_names()
        name = state.settle("bundle", names, names[0], "model")
        if len(names) > 1:
            told = "\n\n".join(f"**{n}** {line}" for n, line in models.outlines().items())
            state.select(
                place, "Model", "bundle", names,
                help=told, on_change=_other_model, args=(), width=width,
            )  # fmt: skip
        return name, models.bundle(name)
    except ValueError as error:
        state.show_messages()
        _stop(head, error)
        raise


def _other_model() -> None:
    """Callback: another model, asked as the last one was, as far as it has what was asked for."""
    own = state.value("own")
    # Numbers of components and clips of an evaluation mean something else there.
    state.changed("bundle", "own", "component", "evaluated")
    if state.is_default("class"):  # f's decision was explained: there it is another f's
        state.put(**{"class": None})
    name = str(state.value("bundle"))
    try:
        bundle = models.bundle(name)
    except ValueError:  # said where it is to be used
        return
    if state.value("scale") not in tables.scales(bundle.task):
        state.put(scale=None)
    there = {
        "class": bundle.classes,
        **dict.fromkeys(("interpreter", "compare"), bundle.explainers()),
    }
    gone = {n: v for n, known in there.items() if (v := state.value(n)) not in (None, *known)}
    state.put(**dict.fromkeys(gone))
    explains = str(state.value("interpreter") or bundle.default_interpreter)
    if state.value("dictionary") not in models.dictionaries(bundle, explains):
        state.put(dictionary=None)
    told = [
        f"no {'class' if setting == 'class' else 'interpreter'} “{class_name(str(asked))}”"
        for setting, asked in gone.items()
    ]
    lacks = f"{name} has {joined(list(dict.fromkeys(told)))}; showing its own choice instead."
    left = "Your own choice of components was for another dictionary and is left aside."
    if told or own:
        state.notice(" ".join([lacks] * bool(told) + [left] * bool(own)))


def _interpreter(place: DeltaGenerator, bundle: Bundle, width: Width) -> str:
    known = bundle.explainers()
    names = list(known)
    name = state.settle("interpreter", names, bundle.default_interpreter, "interpreter")
    titles = {name: title for name, (title, _) in known.items()}
    told = "\n\n".join(f"**{title}** {text}" for title, text in known.values())
    state.select(
        place,
        "Interpreter",
        "interpreter",
        names,
        titles,
        help=told,
        width=width,
        on_change=_other_interpreter,
        args=(bundle,),
    )
    return name


def _other_interpreter(bundle: Bundle) -> None:
    """Callback: with the W that was chosen, if it was and can be had, else with its own first."""
    before = models.dictionaries(bundle, str(state.value("interpreter")))
    state.changed("interpreter", "own")
    after = models.dictionaries(bundle, str(state.value("interpreter")))
    if state.value("dictionary") not in after or state.value("dictionary") == before[0]:
        state.put(dictionary=None)


def _dictionary(place: DeltaGenerator, bundle: Bundle, interpreter: str, width: Width) -> str:
    """Which W; a control where there is a choice."""
    names = models.dictionaries(bundle, interpreter)
    if len(names) == 1 and state.value("dictionary") is None:
        return names[0]
    name = state.settle("dictionary", names, names[0], "dictionary for this interpreter")
    if len(names) == 1:
        state.put(dictionary=None)
        return name
    titles = {n: title for n, (title, _) in models.DICTIONARIES.items()}
    told = "\n\n".join(f"**{title}** {text}" for title, text in models.DICTIONARIES.values())
    state.select(place, "Dictionary", "dictionary", names, titles, help=told, width=width)
    return name


def _view(
    engine: L2I,
    name: str,
    dictionary: str,
    source: ClipSource,
    head: DeltaGenerator,
    corner: DeltaGenerator,
) -> View | None:
    try:
        stamp, whole = models.bundle_stamp(name), engine
        key = Key(name, stamp, engine.interpreter_name, dictionary, source.digest)
        overview, window, place = None, None, None
        if cached.is_long(source):
            overview = _overview(key, engine, source)
            tag, window, place = windows.window(engine, overview)
            key = key.of(source.digest, tag)
        else:
            state.put(window=None)
        at_once = cached.is_analysed(key, window)
        with contextlib.nullcontext() if at_once else st.spinner("Listening …"):
            analysis = cached.analysis(key, engine, source, window)
        engine = cached.on(engine, analysis)
        state.of_dictionary((name, key[-2:]) if engine is not whole else name)
    except ValueError as error:
        state.notice(f"{source.file_name}: {error}", "error")
        return None
    predicted = engine.classes[analysis.predicted]
    target = state.settle("class", engine.classes, predicted, "class")
    if overview is not None and place is not None:
        windows.offer_best(place, key.of(source.digest), whole, source, overview, target)
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

    made = cached.overview(key, engine, source, progress)
    bar.empty()
    return made
