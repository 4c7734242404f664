"""The guided tour within a session, with Streamlit's AppTest; the browser's memory is tested in
test_browser_tour."""

from driving import Open, button, select, sounds, texts, url
from streamlit.testing.v1 import AppTest

from pages.shell.tour import STOPS


def _stop(app: AppTest) -> int | None:
    """The number of the stop that the card shows."""
    shown = [n for n, stop in enumerate(STOPS) if f"**{stop.title}**" in texts(app)]
    assert len(shown) <= 1
    return shown[0] if shown else None


def test_shown_on_the_first_visit_above_the_content_that_sounds(open_app: Open) -> None:
    app = open_app()
    assert _stop(app) == 0
    assert app.title[0].value
    order = [getattr(e, "value", "") for e in app.main]
    card = next(i for i, text in enumerate(order) if STOPS[0][0] in str(text))
    claim = next(i for i, text in enumerate(order) if "Does the claim hold?" in str(text))
    assert card < claim


def test_a_page_that_nobody_was_led_to_is_left_alone(open_app: Open) -> None:
    app = open_app(page="lesson")
    assert _stop(app) is None
    assert sounds(app)


def test_walked_through_stop_by_stop_to_its_end(open_app: Open) -> None:
    app = open_app()
    before = url(app), sounds(app)
    seen = [_stop(app)]
    for _ in STOPS[1:]:
        button(app, "Next stop").click().run()
        seen.append(_stop(app))
    assert seen == list(range(len(STOPS)))
    button(app, "Previous stop").click().run()
    assert _stop(app) == len(STOPS) - 2
    button(app, "Next stop").click().run()
    button(app, "Done").click().run()
    assert _stop(app) is None
    assert (url(app), sounds(app)) == before


def test_a_stop_that_only_listen_has_leads_there_and_whoever_leaves_may_go(open_app: Open) -> None:
    app = open_app(page="lesson")
    button(app, "Show the tour").click().run()
    assert _stop(app) == 0
    button(app, "Next stop").click().run()
    assert _stop(app) == 1
    assert app.title[0].value.startswith("Why did the model")
    app.switch_page("pages/dictionary/page.py").run()
    assert _stop(app) == 1
    assert app.title[0].value.startswith("Which")


def test_closed_stays_closed_in_the_session_until_it_is_asked_for(open_app: Open) -> None:
    app = open_app()
    button(app, "Close the tour").click().run()
    assert _stop(app) is None
    select(app, "Clip").set_value("rain-1").run()
    assert _stop(app) is None
    app.switch_page("pages/listen/page.py").run()
    assert _stop(app) is None
    app.switch_page("pages/lesson/page.py").run()
    button(app, "Show the tour").click().run()
    assert _stop(app) == 0
    button(app, "Close the tour").click().run()
    assert _stop(app) is None


def test_a_deep_link_is_what_it_says_with_the_card_or_without(open_app: Open) -> None:
    link = {"clip": "dog+rain", "class": "rain", "tau": "0.12", "step": "7"}
    app = open_app(**link)
    assert _stop(app) == 0
    assert {name: url(app)[name] for name in link} == link
    assert not app.warning or "setting" not in texts(app)
    heard = sounds(app)
    button(app, "Close the tour").click().run()
    assert {name: url(app)[name] for name in link} == link
    assert sounds(app) == heard
