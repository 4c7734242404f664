"""Every page with an explainer that was not trained, and with a dictionary learned from the clip."""

from pathlib import Path

import pytest
from driving import Open, button, go, select, sounds, texts, url
from streamlit.testing.v1 import AppTest

from l2i_core import L2I
from l2i_core.dictionary import choice
from pages.shell import clips, models
from pages.shell.view import View

OWN = {"interpreter": "gradient", "dictionary": choice.CLIP}
PAGES = ("dictionary", "noise", "faithfulness", "fidelity", "audit", "lesson")


def view(app: AppTest) -> View:
    return app.session_state["l2i_view"]


def dictionaries(app: AppTest) -> list[str]:
    """What the control of W offers; [] where there is none."""
    return [option for box in app.selectbox if box.label == "Dictionary" for option in box.options]


# --- The choice -------------------------------------------------------------------------------


def test_a_trained_interpreter_has_the_models_dictionary_alone(open_app: Open) -> None:
    app = open_app(bundle="random", interpreter="att")
    assert dictionaries(app) == []
    assert "dictionary" not in url(app)
    go(app, dictionary="clip")
    assert "no dictionary for this interpreter “clip” here" in texts(app)
    assert "dictionary" not in url(app)
    assert not view(app).own_dictionary


def test_without_training_there_is_a_choice_that_the_address_holds(open_app: Open) -> None:
    app = open_app(bundle="random", interpreter="gradient")
    assert dictionaries(app) == [models.DICTIONARIES[n][0] for n in ("bundle", "clip")]
    assert url(app)["dictionary"] == choice.BUNDLE
    shared = view(app).engine.dictionary.patterns
    select(app, "Dictionary").select("clip").run()
    assert not app.exception
    assert url(app)["dictionary"] == "clip"
    seen = view(app)
    expected = L2I.from_bundle(models.bundle("random").folder or "", "gradient", dictionary="clip")
    analysis = expected.analyse(*clips.at_hand()[seen.source.id].read())
    assert seen.own_dictionary
    assert seen.engine.dictionary.patterns.equal(analysis.patterns)
    assert seen.engine.dictionary.patterns.shape != shared.shape
    select(app, "Interpreter").select("att").run()
    assert dictionaries(app) == []
    assert "dictionary" not in url(app)
    assert "no dictionary" not in texts(app)  # nobody asked for one
    assert view(app).engine.dictionary.patterns.equal(shared)
    select(app, "Interpreter").select("search").run()
    assert url(app)["dictionary"] == choice.CLIP  # what it explains best with
    select(app, "Interpreter").select("gradient").run()
    assert url(app)["dictionary"] == choice.BUNDLE


def test_each_explainer_begins_with_the_dictionary_that_it_does_best_with(open_app: Open) -> None:
    app = open_app(bundle="random", interpreter="gradient")
    select(app, "Interpreter").select("search").run()
    assert url(app)["dictionary"] == choice.CLIP
    select(app, "Interpreter").select("gradient").run()
    assert url(app)["dictionary"] == choice.BUNDLE
    select(app, "Dictionary").select("clip").run()
    select(app, "Interpreter").select("search").run()
    select(app, "Dictionary").select("bundle").run()
    select(app, "Interpreter").select("gradient").run()
    assert url(app)["dictionary"] == choice.BUNDLE
    assert "no dictionary" not in texts(app)


def test_a_choice_of_components_goes_with_its_dictionary(open_app: Open) -> None:
    first, other = clips.bundled()[0].id, clips.bundled()[1].id
    given = {"clip": first, "own": "1_50", "component": "2"}
    app = open_app(page="dictionary", bundle="random", **OWN, **given)
    assert url(app)["own"] == "1_50"
    assert url(app)["component"] == "2"
    select(app, "Clip").select(other).run()
    assert "own" not in url(app)
    best = str(int(view(app).explained().interpretation.relevance.argmax()))
    assert url(app)["component"] == best
    app = open_app(page="dictionary", bundle="random", **{**OWN, "dictionary": "bundle"}, **given)
    select(app, "Clip").select(other).run()
    assert url(app)["component"] == "2"  # the same component of the same W
    app.session_state["l2i_state"]["values"]["own"] = "1_50"
    select(app, "Dictionary").select("clip").run()
    assert "own" not in url(app)
    assert not app.exception


# --- Every page -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_page_works_with_the_clips_own_components(open_app: Open, page: str) -> None:
    app = open_app(page=page, bundle="random", step="all", systems="gradient,att", **OWN)
    assert not app.error, texts(app)
    assert view(app).own_dictionary
    assert url(app)["dictionary"] == "clip"


def test_the_dictionary_page_shows_the_clips_own(open_app: Open) -> None:
    app = open_app(page="dictionary", bundle="random", **OWN)
    k = len(view(app).analysis.activations)
    assert f"Which {k} sounds can" in app.title[0].value
    said = texts(app) + " ".join(c.value for c in app.caption)
    assert "learned from this clip alone" in said
    assert "No other clip has these components" in said
    assert "Test clips that use it most" not in [s.value for s in app.subheader]
    assert f"**In {view(app).source.title}**" in said  # and it plays
    assert len(sounds(app)) == 4  # the clip, and the component's three
    app.text_input[0].set_value("hum").run()
    assert "hum" in app.selectbox(key="control_component").value or "hum" in str(
        app.selectbox(key="control_component").options
    )
    other = clips.bundled()[1].id
    select(app, "Clip").select(other).run()
    assert "hum" not in str(app.selectbox(key="control_component").options)


def test_the_noise_lab_says_what_it_cannot_compare(open_app: Open) -> None:
    app = open_app(page="noise", bundle="random", **OWN)
    assert "cannot be compared one by one" in texts(app)
    assert "rank correlation" not in texts(app)
    app = open_app(page="noise", bundle="random", **{**OWN, "dictionary": "bundle"})
    assert "cannot be compared one by one" not in texts(app)


def test_stored_figures_are_of_the_models_dictionary(open_measured: Open) -> None:
    app = open_measured("fidelity", **OWN)
    assert "metrics are of its own dictionary" in texts(app)


def test_an_audit_keeps_the_dictionary_it_was_started_with(
    open_app: Open, two_classes: Path
) -> None:
    from pages.audit import audits

    app = open_app(page="audit", bundle="random", **OWN)
    bundle = view(app).engine.bundle
    own = audits.of_folder(str(two_classes), "random", "gradient", bundle)
    assert own.dictionary == choice.CLIP
    assert "the clip's own dictionary" in own.how
    assert "--dictionary clip" in app.code[0].value


# --- Progress ---------------------------------------------------------------------------------


def test_what_takes_long_says_how_far_it_is(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step of search reaches the page, in the order of the work, and the bar is gone after."""
    import streamlit as st

    shown: list[tuple[float, str]] = []
    real = st.delta_generator.DeltaGenerator.progress

    def progress(place: object, value: float, text: str = "", **more: object) -> object:
        shown.append((value, text))
        return real(place, value, text, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(st.delta_generator.DeltaGenerator, "progress", progress)
    unheard = clips.bundled()[4].id  # by the tests before
    app = open_app(bundle="random", interpreter="search", dictionary="bundle", clip=unheard)
    assert not app.exception
    assert not app.error
    steps = [text for _, text in shown if text.startswith("Search asks f: ")]
    total = len(steps)
    assert total >= 10
    assert steps == [f"Search asks f: {n} of {total}" for n in range(1, total + 1)]
    assert not app.get("progress")
    button(app, "Pin to compare").click().run()
    assert len([text for _, text in shown if text.startswith("Search")]) == total + 1  # kept
