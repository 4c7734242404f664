"""The Noise lab's stored experiments, run from the router with Streamlit's AppTest."""

from pathlib import Path

import pytest
from driving import Open, texts, url
from mixed import add_experiments
from streamlit.testing.v1 import AppTest


@pytest.fixture
def open_stored(
    open_app: Open, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Open:
    """The tab with the random bundle, "mixed" with both experiments, "half" with noise alone, or
    "bent", whose files are damaged."""
    add_experiments(bundle_folder, tmp_path / "mixed")
    add_experiments(bundle_folder, tmp_path / "half", ["noise"])
    bent = add_experiments(bundle_folder, tmp_path / "bent")
    (bent / "metrics" / "noise.json").write_text("{")
    overlap = bent / "metrics" / "overlap.json"
    overlap.write_text(overlap.read_text().replace('"rest_passed"', '"rest_went"'))

    def open_at(bundle: str, **link: str) -> AppTest:
        monkeypatch.setenv("L2I_BUNDLES", str(tmp_path))
        return open_app(page="noise", bundle=bundle, tab="experiments", **link)

    return open_at


def told(app: AppTest) -> str:
    return texts(app) + " ".join(caption.value for caption in app.caption)


def test_stored_experiments_are_shown_without_audio(open_stored: Open) -> None:
    app = open_stored("mixed")
    assert url(app)["tab"] == "experiments"
    assert not app.error
    said = told(app)
    assert "the top 5 of ATT on 2 of 3 clips" in said
    assert "Without noise: 100\u202f%; by chance, five of 10 classes: 50\u202f%" in said
    assert "on 100\u202f% of 2 clips" in said, "the curve is of the clips that have every SNR"
    assert "At 0 dB 20\u202f% of the clip's sound energy" not in said
    assert "30\u202f% of the clip's sound energy passes into B and 15\u202f% of the noise's" in said
    assert "than of the other clip's in 67\u202f% of 3 explanations by ATT; with Random in" in said
    assert "larger than Random's in 2 of the 2" in said
    assert "ESC-10, fold 1; seed 0; measured on 2026-01-02" in said
    noise, overlap = (frame.value for frame in app.dataframe)
    assert list(noise["interpreter"]) == ["ATT", "MAX"]
    assert noise["clip passing"].iloc[0] == "20\u202f%"
    assert list(overlap["target's level"]) == ["−5\u202fdB", "0\u202fdB", "5\u202fdB"] * 2
    assert overlap["r with target"].iloc[0] == "0.40 (0.20)"
    assert overlap["target passes more"].iloc[0] == "67\u202f% (50\u202f%)"
    assert app.table[-1].value["target"].tolist() == ["0.41", "0.66", "0.65", "0.68"]
    assert len(app.get("plotly_chart")) == 3
    labels = [button.proto.label for button in app.get("download_button")]
    for label in ("Noise, figures (CSV)", "Noise, rows of att (CSV)", "Overlap, rows of att (CSV)"):
        assert label in labels


def test_the_choice_of_mixtures_and_tau_are_in_the_link(open_stored: Open) -> None:
    app = open_stored("mixed", heard="top1", tau="0.15")
    assert "in 100\u202f% of 1 explanations" in told(app)
    assert "τ = 0.10" in told(app)
    switch = next(b for b in app.button_group if b.label.startswith("Mixtures in which"))
    assert switch.value == "top1"
    switch.set_value("top2").run()
    assert not app.exception, app.exception
    assert url(app)["heard"] == "top2"
    assert set(app.dataframe[1].value["n"]) == {2}
    app = open_stored("mixed", heard="loud")
    assert [w.value for w in app.warning if "no choice of mixtures “loud”" in w.value]
    assert url(app)["heard"] == "all"


def test_an_interpreter_without_rows_still_has_its_figures(open_stored: Open) -> None:
    app = open_stored("mixed", interpreter="max")
    assert "the top 5 of MAX on 2 of 3 clips" in told(app)
    labels = [button.proto.label for button in app.get("download_button")]
    assert "Overlap, figures (CSV)" in labels
    assert not [label for label in labels if "rows" in label]


def test_what_is_missing_is_told_with_its_command(open_stored: Open, open_app: Open) -> None:
    app = open_stored("half")
    assert "the top 5 of ATT" in told(app)
    assert [i.value for i in app.info if "“half” has no stored overlap experiment:" in i.value]
    command = "python -m pipelines.experiments --bundle half --only overlap"
    assert [code.value for code in app.code] == [command]


def test_a_model_without_experiments_says_how_to_run_them(open_app: Open) -> None:
    app = open_app(page="noise", bundle="random", tab="experiments")
    assert not app.error
    (info,) = [i.value for i in app.info if "has no stored" in i.value]
    assert (
        "“random” has no stored noise and no overlap experiment: What does white noise do" in info
    )
    assert [c.value for c in app.code] == ["python -m pipelines.experiments --bundle random"]
    assert not app.dataframe
    assert not app.get("plotly_chart")


def test_damaged_files_are_one_sentence_each(open_stored: Open) -> None:
    app = open_stored("bent")
    errors = [error.value for error in app.error]
    assert len(errors) == 2
    assert "noise.json is damaged: it is not valid JSON." in errors[0]
    assert errors[1] == (
        "Bent/metrics/overlap.json is damaged: 'rest_passed'; run the experiment again."
    )
