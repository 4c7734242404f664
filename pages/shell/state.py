"""The view as the URL says it: model, interpreter, W, clip, window, class, τ, mask domain.

The truth is one dictionary in the session, apart from the widgets' own state, because Streamlit
drops a widget's state as soon as a run does not draw it. Each run reads the URL if somebody else
changed it (a deep link, the back button), the widgets change the dictionary through callbacks,
and the context bar writes the settled values back to the URL.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NoReturn

import streamlit as st

from pages.show.choice import MAX_TAU

NAMES = (
    *("bundle", "interpreter", "dictionary", "clip", "window", "class", "tau", "domain", "own"),
    "file",  # what an upload is called where it was made
)
# Settings of single pages; they stay in the URL while one visits another page.
PAGE_NAMES = (
    "component",  # Dictionary
    "sort",
    "among",
    "band",
    "kind",  # Noise lab
    "snr",
    "seed",
    "other",
    "masks",
    "tab",
    "heard",
    "compare",  # Faithfulness: another interpreter
    "scale",
    "evaluated",  # Faithfulness, Fidelity: a clip of the evaluation
    "systems",  # Fidelity: whether all of them explain the clip
    "show",  # Audit: filter
    "step",  # How it works
    "projector",  # every page
)
DEFAULT_TAU = 0.3
_MAX_SHOWN = 40  # characters of a wrong value that are repeated to the reader


def read_url() -> None:
    """Take over the URL where it is not the one that this session wrote.

    A run that a control started keeps the session's values: the browser may send it with a URL
    from before the last update. So does one whose URL has no settings: a page's link in the
    navigation has none, and the browser's Back may lead to it again.
    """
    store = _store()
    touched, store["touched"], store["shown"] = store["touched"], False, 0
    store["arriving"] = store["arriving"] or not touched
    given = {name: st.query_params[name] for name in st.query_params}
    ours = store["url"] is not None and (touched or not given)
    if ours or given == store["url"]:
        return
    store["url"], store["values"], store["messages"] = given, {}, []
    store["dictionary"], store["settled"] = None, set()
    for name, text in given.items():
        if name not in (*NAMES, *PAGE_NAMES):
            notice(f"The link has an unknown setting “{_short(name)}”; it was ignored.")
        elif name == "tau":
            store["values"]["tau"] = _tau(text)
        else:
            store["values"][name] = text


def go(page: str) -> NoReturn:
    """Go on to the page `pages/PAGE/page.py` with the present settings.

    The browser notes an address for each step. Without the settings in it, Streamlit would note
    both pages' bare addresses, and the browser's Back would lead to one of them.
    """
    touch()
    st.switch_page(f"pages/{page}/page.py", query_params=url())


def url() -> dict[str, str]:
    """All settings as the URL has them."""
    values = _store()["values"]
    texts = {name: _text(values.get(name)) for name in (*NAMES, *PAGE_NAMES)}
    return {name: text for name, text in texts.items() if text}


def write_url() -> None:
    """Make the URL say what is on screen."""
    shown = url()
    if shown != {name: st.query_params[name] for name in st.query_params}:
        st.query_params.from_dict(shown)
    _store()["url"], _store()["arriving"] = shown, False


def value(name: str) -> str | float | None:
    """The present value of one setting, None where nothing was chosen."""
    return _store()["values"].get(name)


def put(**values: str | float | None) -> None:
    """Change settings."""
    store = _store()
    store["settled"] -= {name for name, new in values.items() if new != value(name)}
    store["values"].update(values)


def settings() -> dict[str, str | float]:
    """All settings that are not empty."""
    return {name: held for name, held in _store()["values"].items() if held not in (None, "")}


def replace(values: Mapping[str, str | float]) -> None:
    """Exchange all settings, as a link would."""
    _store().update(values=dict(values), dictionary=None, settled=set())


def of_dictionary(name: Hashable) -> None:
    """Which W is on screen: numbers of components mean nothing in another one, so settings that
    hold them go where it changes, but for those that a link brought."""
    store = _store()
    if store["dictionary"] not in (None, name):
        put(component=None, own=None)
    store["dictionary"] = name


def settle(name: str, options: Sequence[str], default: str, what: str) -> str:
    """The setting if it is one of the options, else the default; a wrong value gives a notice."""
    chosen = value(name)
    if chosen in options:
        return str(chosen)
    if chosen is not None:
        notice(f"There is no {what} “{_short(str(chosen))}” here; showing “{default}” instead.")
    put(**{name: default})
    if chosen is None:
        _store()["settled"].add(name)
    return default


def is_default(*names: str) -> bool:
    """Whether nobody chose any of these settings: not a link, and no control."""
    store = _store()
    return all(name in store["settled"] or value(name) is None for name in names)


def settle_tau() -> float:
    """τ, by default 0.30."""
    if value("tau") is None:
        put(tau=DEFAULT_TAU)
    return float(value("tau") or 0.0)


def control(name: str, shown: Any, relabelled: bool = False) -> str:
    """The key of the widget for a setting, which will show `shown`.

    The browser is told the choice where it changed, and in each run that no control started: who
    leaves a page before its controls are drawn leaves with a browser that never heard of the
    choice, would draw the first option and, at the next step, report it as the user's.

    `relabelled`: the labels of its options change from run to run. The browser remembers a label
    and would not find it again, so it is told the choice each time.
    """
    key = f"control_{name}"
    if relabelled or _store()["arriving"] or st.session_state.get(key) != shown:
        st.session_state[key] = shown
    return key


def held(key: str, default: Any) -> Any:
    """A widget's choice that is no setting of the link; like a setting it outlives visits to other
    pages, where Streamlit forgets it."""
    return st.session_state.get(key, _store()["held"].get(key, default))


def hold(key: str, value: Any) -> str:
    """The key of that widget, which will show `value`."""
    st.session_state[key] = _store()["held"][key] = value
    return key


def select(
    place: Any,
    label: str,
    name: str,
    options: Sequence[str],
    words: Callable[[str], str] | Mapping[str, str] = str,
    *,
    shown: str | None = None,
    reset: Sequence[str] = (),
    relabelled: bool = False,
    widget: str = "selectbox",
    **more: Any,
) -> None:
    """A selectbox or another `widget` of one choice for a setting, in a place that Streamlit draws
    in: `words` is what an option is called, `shown` the option chosen where it is not the setting's
    value, `reset` the settings that hang on it; `relabelled` as for `control`, more as the widget
    takes it."""
    chosen = str(value(name) or "") if shown is None else shown
    given = {"on_change": changed, "args": (name, *reset)} | more
    getattr(place, widget)(
        label,
        options,
        key=control(name, chosen, relabelled),
        format_func=words if callable(words) else words.__getitem__,
        **given,
    )


def changed(name: str, *reset: str) -> None:
    """Callback of a widget: take its value, and forget settings that hang on it."""
    chose(**{name: st.session_state[f"control_{name}"]}, **dict.fromkeys(reset))


def touch() -> None:
    """The user did something: messages about the last step go, the URL will follow."""
    store = _store()
    store["touched"], store["messages"] = True, []


def chose(**values: str | float | None) -> None:
    """The user changed settings: a callback."""
    touch()
    put(**values)


def notice(text: str, kind: str = "warning") -> None:
    """One sentence above the page until the next step; kind "warning" or "error"."""
    if (kind, text) not in _store()["messages"]:
        _store()["messages"].append((kind, text))


def show_messages() -> None:
    """Draw what `notice` was told and this run has not drawn yet: a page that settles settings of
    its own calls it again."""
    store = _store()
    for kind, text in store["messages"][store["shown"] :]:
        (st.error if kind == "error" else st.warning)(text)
    store["shown"] = len(store["messages"])


def _store() -> dict:
    return st.session_state.setdefault(
        "l2i_state",
        {
            "values": {},
            "held": {},
            "settled": set(),  # settings that have their defaults
            "messages": [],
            "dictionary": None,  # whose components the settings name
            "shown": 0,
            "url": None,
            "touched": False,  # a control was used: it started the next run
            "arriving": True,  # until a run that no control started has come to its end
        },
    )


def _tau(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if 0.0 <= number <= MAX_TAU:
        return round(number, 2)
    notice(
        f"τ must be a number from 0 to {MAX_TAU:g}, the link says “{_short(text)}”; "
        f"showing τ = {DEFAULT_TAU:.2f} instead."
    )
    return None


def _text(setting: str | float | None) -> str:
    return f"{setting:.2f}" if isinstance(setting, float) else setting or ""


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
