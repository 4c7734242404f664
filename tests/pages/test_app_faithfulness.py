"""The Faithfulness page, driven by AppTest on a bundle whose metrics were written by hand."""

import csv
from pathlib import Path

import numpy as np
import pytest
from another_metric import plug_in
from driving import Open, select, texts, url
from measured import CLASSES, add_metrics, evaluation
from streamlit.testing.v1 import AppTest

from l2i_core.measure.records import to_csv
from pages.shell import clips, results
from pages.shell.clips import FOLDER, ClipSource

PAGE = "faithfulness"


def said(app: AppTest) -> str:
    return texts(app) + " ".join(c.value for c in app.caption)


def test_first_visit_states_question_and_finding(open_measured: Open) -> None:
    app = open_measured(PAGE)
    assert app.title[0].value.endswith("?")
    # FF is (1 … 12) / 5 · 0.7 at τ = 0.3: median 0.91; energy-matched Random 0.4 of it.
    table = app.table[0].value
    assert table.loc["median FF, 12 clips"].tolist() == ["0.91", "0.36", "0.00"]
    larger = table.loc["FF is larger on"].tolist()
    assert larger == ["", "12 of 12, p < 0.001", "12 of 12, p < 0.001"]
    assert "The choice is better than chance at equal log energy and at equal count." in said(app)
    assert "ESC-10, fold 1, 12 clips; 5 random draws per clip and τ" in said(app)
    assert not app.error
    assert not app.warning
    assert url(app)["scale"] == "logits"
    assert url(app)["evaluated"] == "dog-0", "least FF first"
    assert "compare" not in url(app)


def test_the_class_to_explain_has_its_own_row(open_measured: Open) -> None:
    app = open_measured(PAGE, **{"class": "dog"})
    # f calls rain-5 a dog: FF 0.2 … 1.2 and 2.4, times 0.7; the median is 0.56.
    assert app.table[0].value.loc["f says dog in 7"].iloc[0] == "0.56"
    other = open_measured(PAGE, **{"class": "rooster"})
    assert other.table[0].value.loc["f says rooster in 0"].tolist() == ["–"] * 3


def test_share_scale_and_comparison_from_a_link(open_measured: Open) -> None:
    app = open_measured(PAGE, scale="share", compare="max", evaluated="rain-3", interpreter="att")
    assert app.table[0].value.iloc[0, 0] == "36\u202f%"
    assert (url(app)["scale"], url(app)["compare"], url(app)["evaluated"]) == (
        "share",
        "max",
        "rain-3",
    )
    table = app.table[2].value
    assert table.loc["median FF, share"].tolist() == ["36\u202f%", "73\u202f%"]
    assert table.iloc[-1, 1].startswith("larger on 12 of 12")
    app.radio[0].set_value("logits").run()
    assert url(app)["scale"] == "logits"
    select(app, "Compare").set_value("none").run()
    assert "compare" not in url(app)


def test_swapping_the_interpreters_is_no_mistake(open_measured: Open) -> None:
    app = open_measured(PAGE, interpreter="att", compare="max")
    select(app, "Interpreter").set_value("max").run()
    assert not app.warning
    assert "compare" not in url(app)


@pytest.mark.parametrize(
    ("name", "value"), [("scale", "decibels"), ("compare", "oracle"), ("evaluated", "no-clip")]
)
def test_wrong_values_in_the_link(open_measured: Open, name: str, value: str) -> None:
    app = open_measured(PAGE, **{name: value})
    told = [w.value for w in app.warning if f"“{value}”" in w.value]
    assert len(told) == 1
    assert url(app).get(name) in (None, "logits", "dog-0")
    app.radio[0].set_value("share").run()
    assert not app.warning


def test_tau_between_levels_and_without_random(open_measured: Open) -> None:
    app = open_measured(PAGE, tau="0.42")
    assert "has no τ = 0.42; all figures are at its nearest, **τ = 0.40**" in said(app)
    assert "No Random was drawn at τ = 0.40" in said(app)
    assert "The choice is" not in said(app)
    assert "FF is larger on" not in app.table[0].value.index
    buttons = {b.label: b for b in app.button if b.label.startswith("τ")}
    assert set(buttons) == {"τ = 0.10", "τ = 0.30"}
    buttons["τ = 0.30"].click().run()
    assert url(app)["tau"] == "0.30"
    assert "better than chance" in said(app)


def test_the_verdict_can_go_the_other_way(open_measured: Open) -> None:
    app = open_measured(PAGE, bundle="odd", interpreter="att")
    assert "The choice is :orange[worse] than chance at equal log energy" in said(app)
    select(app, "Interpreter").set_value("max").run()
    assert "The choice is not told from chance at equal log energy" in said(app)


def test_equal_energy_is_tested_only_where_chance_can_have_it(open_measured: Open) -> None:
    app = open_measured(PAGE, bundle="half", interpreter="att")
    assert "at equal log energy (6 of 12 clips can be tested)" in said(app)
    assert app.table[0].value.loc["FF is larger on"].iloc[1].startswith("6 of 6, p ")


@pytest.mark.parametrize("page", ["faithfulness", "fidelity"])
def test_without_metrics_one_sentence_names_the_command(open_measured: Open, page: str) -> None:
    app = open_measured(page, bundle="random")
    assert "has no metrics yet; `python -m pipelines.evaluate --config" in said(app)
    assert not app.error
    half = open_measured(page, bundle="half", interpreter="max")
    assert "no metrics of the interpreter “max” yet" in said(half)


@pytest.mark.parametrize("page", ["faithfulness", "fidelity"])
def test_damaged_metrics_are_one_error(open_measured: Open, page: str) -> None:
    app = open_measured(page, bundle="broken", interpreter="att")
    assert [e.value for e in app.error] == [
        "Broken/metrics/levels-att.csv is damaged: it lacks the column 'energy_kept'."
    ]


def test_a_clip_opens_in_listen_where_its_audio_is(
    open_measured: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = open_measured(PAGE)
    assert next(b for b in away.button if b.label == "Open in Listen").disabled
    assert "audio of dog-0 is not at hand" in said(away)

    real = clips.at_hand
    here = ClipSource("esc50:rain-3", "Rain 3", "rain-1.flac", FOLDER / "rain-1.flac")
    monkeypatch.setattr(clips, "at_hand", lambda: {**real(), here.id: here})
    found, missing = results.sources(["rain-3", "dog-0"])
    assert found is not None
    assert found.id == "esc50:rain-3"
    assert missing is None
    app = open_measured(PAGE, evaluated="rain-3", tau="0.12")
    next(b for b in app.button if b.label == "Open in Listen").click().run()
    assert not app.exception
    link = url(app)
    assert (link["clip"], link["class"], link["tau"], link["domain"]) == (
        "esc50:rain-3", "rain", "0.10", "linear",
    )  # fmt: skip
    assert "Does f depend" not in app.title[0].value


def test_exports_are_what_is_shown(open_measured: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def caught(rows) -> str:
        made.append(to_csv(rows))
        return made[-1]

    monkeypatch.setattr(results, "to_csv", caught)
    app = open_measured(PAGE, scale="share", compare="max")
    clip_csv, class_csv, curve_csv = (text.splitlines() for text in made[-3:])
    assert len(clip_csv) == 1 + 12
    first = dict(zip(clip_csv[0].split(","), clip_csv[1].split(","), strict=True))
    assert (first["clip"], first["scale"], first["threshold"]) == ("dog-0", "share", "0.3")
    assert float(first["faithfulness"]) == pytest.approx(0.2 * 0.7 / 2.5)
    shown = app.dataframe[-1].value
    assert [row.split(",")[4] for row in class_csv[1:]] == ["rain", "dog"]
    assert len(shown) == 2
    assert shown["median FF"].tolist() == sorted(shown["median FF"], reverse=True)
    frame = np.array([float(row.split(",")[6]) for row in class_csv[1:]])
    np.testing.assert_allclose(shown["median FF"], frame, atol=0.005)
    assert set(CLASSES) > {row.split(",")[4] for row in class_csv[1:]}
    curves = list(csv.DictReader(curve_csv))
    drawn = {(r["curve"], r["system"]) for r in curves}
    assert len(drawn) == 2 + 2 + 2, "FF and |L| of both interpreters, FF of both Randoms"
    at = next(r for r in curves if r["curve"].startswith("median FF") and r["threshold"] == "0.3")
    median = np.median([0.2 * (1 + i) * 0.7 / 2.5 for i in range(12)])
    assert float(at["value"]) == pytest.approx(median, rel=1e-3)
    assert float(at["25 %"]) < median < float(at["75 %"])


def test_a_plugged_in_metric_is_in_the_tables(
    bundle_folder: Path, open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """p is 0.9 and o 0.8 on every clip; an older summary knows nothing of it."""
    plug_in(tmp_path / "plugins", monkeypatch)
    add_metrics(bundle_folder, tmp_path / "bundles" / "fresh", [evaluation("att")])
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path / "bundles"))
    app = open_app(page=PAGE, bundle="fresh", clip="dog-1", interpreter="att")
    assert not app.exception
    interpreters = app.table[2].value
    assert interpreters.loc["both"].tolist() == ["80\u202f%"]
    assert app.dataframe[-1].value["both"].tolist() == [0.8, 0.8]
    assert "|x_int|" not in interpreters.index
