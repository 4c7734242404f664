"""What is added to the clip, at which level, and which of two clips is followed in the mixture."""

import re
from dataclasses import replace

import streamlit as st

from l2i_core.dictionary.masking import MASK_DOMAINS
from l2i_core.measure.noise_lab import HIGHEST, LOWEST
from l2i_core.signal.corrupt import COLOURS
from pages.noise import comparison
from pages.noise.comparison import Comparison, Corruption
from pages.shell import bring, cached, clips, scene_maker, state, uploads
from pages.shell.clips import ClipSource
from pages.shell.view import View
from pages.show.words import THIN, class_name, masked, number, sentence

KINDS = (*COLOURS, "clip")
FIRST_SNR = 0  # dB
_MOST_SEED = 9999


def with_masks(view: View) -> View:
    """The same with the lab's own mask domain: magnitudes unless the reader chooses the paper's. Where
    noise shares every bin with the clip, a share of the logarithm is next to nothing of the sound."""
    domain = state.settle("masks", MASK_DOMAINS, "linear", "mask domain")
    return replace(view, choice=replace(view.choice, domain=domain))


def draw(view: View) -> Corruption | None:
    """The controls; None where the link mixes in an upload that is not here."""
    kind = state.settle("kind", KINDS, "white", "kind of added sound")
    snr = _whole("snr", LOWEST, HIGHEST, FIRST_SNR, "the SNR in dB")
    seed = _whole("seed", 0, _MOST_SEED, 0, "the seed")
    widths = [3, 3, 3, 2] if kind == "clip" else [3, 3, 2, 2]
    what, level, detail, masks = st.columns(widths, gap="medium", vertical_alignment="bottom")
    domains = {name: masked(name) for name in MASK_DOMAINS}
    why = "By magnitudes more of a clip in noise passes than by the paper's logarithms, which Listen has."
    state.select(masks, "Masks on", "masks", list(domains), domains, help=why)
    words = {name: name.capitalize() for name in KINDS} | {"clip": "A clip"}
    label, widget = "Sound to add", "segmented_control"
    state.select(what, label, "kind", KINDS, words, widget=widget, required=True)
    level.slider(
        "SNR in dB",
        LOWEST,
        HIGHEST,
        help="The clip's level above the added sound's.",
        key=state.control("snr", snr),
        on_change=_chose,
        args=("snr",),
    )
    if kind == "clip":
        with detail:
            other = _other(view)
        return Corruption(kind, snr, seed, other) if other else None
    detail.number_input(
        "Seed of the noise",
        0,
        _MOST_SEED,
        key=state.control("seed", seed),
        on_change=_chose,
        args=("seed",),
    )
    return Corruption(kind, snr, seed)


def compared(view: View, corruption: Corruption) -> Comparison | None:
    """The comparison; None, with a sentence, where there is nothing to compare."""
    try:
        follow = corruption.other is not None and _follow(view, corruption, corruption.other)
        made = comparison.compare(view, corruption, follow)
    except ValueError as error:
        st.info(sentence(str(error)))
        return None
    if view.choice.overrides:
        st.caption("Your own gains of components are left aside here: components follow τ.")
    return made


def _follow(view: View, corruption: Corruption, other: ClipSource) -> bool:
    """Whether the other clip's class is explained; draws the switch."""
    classes, audio = view.engine.classes, view.engine.audio
    first, theirs = len(view.analysis.waveform) / audio.sample_rate, cached.seconds(other)
    if abs(first - theirs) >= 0.01:
        how = "repeated to fill" if theirs < first else "cut to"
        st.caption(
            f"{other.title} lasts {number(theirs, 3)}{THIN}s and is {how} the clip's "
            f"{number(first, 3)}{THIN}s."
        )
    ours = classes[view.analysis.predicted]
    second = classes[comparison.other_analysis(view, corruption).predicted]
    if ours == second:
        st.markdown(
            f"f hears “{class_name(ours)}” in either clip alone, so the class does not tell them "
            f"apart; what follows is about {view.source.title}."
        )
        return False
    labels = {ours: f"{class_name(ours)} ({view.source.title})"}
    labels[second] = f"{class_name(second)} ({other.title})"
    st.segmented_control(
        "Explain the mixture for",
        list(labels),
        key=state.control("follow", view.target if view.target in labels else None),
        format_func=labels.__getitem__,
        on_change=lambda: explain(st.session_state["control_follow"]),
    )
    return view.target == second


def explain(label: str | None) -> None:
    """Callback: explain another class; the context bar's class follows."""
    if label is not None:
        state.chose(**{"class": label, "own": None})


def _other(view: View) -> ClipSource | None:
    """The clip to mix in, chosen or uploaded; None where a link names one that is not here."""
    everything = clips.at_hand()
    asked = str(state.value("other") or "")
    asked = asked if asked in everything else asked.replace(" ", "+")  # "+" in a hand-written link
    # The demo clips, the session's own, and the collection that the clip comes from.
    kind = clips.kind_of(view.source.id)
    same = next((c.clips for c in clips.collections() if c.kind == kind), {})
    options = [name for name in {**clips.few_at_hand(), **same} if name != view.source.id]
    if asked == view.source.id:  # the two have become the same clip
        state.put(other=None)
        asked = ""
    elsewhere = clips.is_upload(asked) or clips.kind_of(asked) != "demo"
    if asked in everything:
        state.put(other=asked)
    elif not asked or not elsewhere:
        first = next(name for name in ("rain-1", clips.FIRST, *options) if name in options)
        asked = state.settle("other", options, first, "clip")
    if asked not in options:
        options.append(asked)
    choose, own = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    gone = "A clip that is not here"
    titles = {c: everything[c].title if c in everything else gone for c in options}
    state.select(choose, "Clip to mix in", "other", options, titles, shown=asked)
    with own.popover("Upload", width="stretch", help="Upload a clip to mix in"):
        uploads.uploader("A clip to mix in", "upload_other", _take_other, bring.refuse)
    if asked not in everything:
        state.notice(
            f"The link mixes in a clip that is not here ({asked}): upload the same file, or choose "
            "another clip to mix in."
        )
    return everything.get(asked)


def _take_other(source: ClipSource) -> None:
    """Mix in an upload."""
    state.touch()
    if gone := scene_maker.keep(source):
        state.notice(gone)
    state.put(other=source.id)


def _whole(name: str, low: int, high: int, default: int, what: str) -> int:
    """A whole number from the URL; a wrong one gives a notice and the default."""
    given = state.value(name)
    if given is not None:
        if re.fullmatch(r"-?\d{1,6}", str(given)) and low <= int(str(given)) <= high:
            default = int(str(given))
        else:
            state.notice(
                f"{sentence(what)} must be a whole number from {low} to {high}, the link says "
                f"“{str(given)[:40]}”; showing {default} instead.".replace(" -", " −")
            )
    state.put(**{name: str(default)})
    return default


def _chose(name: str) -> None:
    """Callback: take a number as the URL has it."""
    state.chose(**{name: str(st.session_state[f"control_{name}"])})
