"""The evidence zip: complete, true to the engine, checkable, the same bytes again."""

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from l2i_core import L2I, Analysis
from l2i_core.data.tags import Tag
from l2i_core.measure.explained import Explained
from l2i_core.report import evidence, figures
from l2i_core.report.html_report import Pinned, decision_html, exhibit
from l2i_core.report.report import make_report

NAMES = {
    "evidence.html",
    "input.wav",
    "interpretation.wav",
    "residual.wav",
    "spectrograms.png",
    "report.json",
    "MANIFEST",
}


@pytest.fixture(scope="module")
def made(engine: L2I, analysis: Analysis) -> tuple[bytes, dict]:
    i = engine.interpret(analysis, "dog", 0.0)
    assert i.selected, "the case must select something"
    report = evidence.evidence_report(
        Explained(engine, analysis, i),
        clip_name="dog.wav",
        input_sha256="ab" * 32,
        digests=evidence.bundle_digests(engine.bundle),
        url="http://localhost/?clip=dog",
        random={"energy_matched": 0.5, "equal_energy": True, "draws": 20},
        seed=3,
        names={3: "bark"},
        tag=Tag("wrong", "a cat"),
        time="2030-01-01 12:00:00+01:00",
    )
    return evidence.evidence_zip(Explained(engine, analysis, i), report), report


def _read(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def test_zip_is_complete_and_its_manifest_true(made: tuple[bytes, dict]) -> None:
    files = _read(made[0])
    assert set(files) == NAMES
    lines = files["MANIFEST"].decode().splitlines()
    assert {line.split("  ")[1] for line in lines} == NAMES - {"MANIFEST"}
    for line in lines:
        digest, name = line.split("  ")
        assert digest == hashlib.sha256(files[name]).hexdigest()


def test_sounds_are_the_engines_at_the_clips_level(
    made: tuple[bytes, dict], engine: L2I, analysis: Analysis
) -> None:
    files, i = _read(made[0]), engine.interpret(analysis, "dog", 0.0)
    for name, expected in (
        ("input.wav", analysis.waveform),
        ("interpretation.wav", i.audio),
        ("residual.wav", i.residual),
    ):
        sound, rate = soundfile.read(io.BytesIO(files[name]), dtype="float32")
        assert rate == engine.audio.sample_rate
        np.testing.assert_array_equal(sound, expected.numpy())
        assert soundfile.info(io.BytesIO(files[name])).subtype == "FLOAT"


def test_the_same_bytes_at_another_time(
    made: tuple[bytes, dict], engine: L2I, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 2e9)
    explained = Explained(engine, analysis, engine.interpret(analysis, "dog", 0.0))
    again = evidence.evidence_zip(explained, made[1])
    assert again == made[0]


def test_report_says_what_is_needed_to_repeat_it(
    made: tuple[bytes, dict], engine: L2I, analysis: Analysis
) -> None:
    report = json.loads(_read(made[0])["report.json"])
    i = engine.interpret(analysis, "dog", 0.0)
    plain = make_report(Explained(engine, analysis, i), "dog.wav")
    assert report.items() >= json.loads(json.dumps(plain)).items()
    assert report["url"] == "http://localhost/?clip=dog"
    assert (report["seed"], report["own_choice"]) == (3, False)
    assert [k for k, g in enumerate(report["gains"]) if g] == sorted(i.selected)
    assert report["component_names"] == {"3": "bark"}
    assert set(report["versions"]) == {"l2i_core", "python", "torch", "numpy", "librosa"}
    folder = engine.bundle.folder
    assert folder is not None
    weights = (folder / "classifier.safetensors").read_bytes()
    assert report["bundle_sha256"]["classifier.safetensors"] == hashlib.sha256(weights).hexdigest()
    assert set(report["bundle_sha256"]) == {
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()
    }


def test_an_own_choice_is_named_as_such(engine: L2I, analysis: Analysis) -> None:
    gains = np.zeros(engine.dictionary.n_components)
    gains[3] = 0.5
    i = engine.interpret(analysis, "dog", 0.3, gains=gains)
    report = evidence.evidence_report(
        Explained(engine, analysis, i),
        clip_name="a", input_sha256="", digests={},
    )  # fmt: skip
    assert report["own_choice"] is True
    assert report["gains"][3] == 0.5


def test_the_released_codes_limit_is_no_own_choice(engine: L2I, dog: np.ndarray) -> None:
    released = L2I(engine.bundle, engine.interpreter_name, "released")
    analysis = released.analyse(dog, 44100)
    made = (released.interpret(analysis, name, 0.0) for name in released.classes)
    i = next(one for one in made if int((one.relevance > 0).sum()) > 5)
    assert len(i.selected) == 5
    report = evidence.evidence_report(
        Explained(released, analysis, i),
        clip_name="a", input_sha256="", digests={},
    )  # fmt: skip
    assert report["own_choice"] is False


def test_random_beside_it_is_the_seeds(engine: L2I, analysis: Analysis) -> None:
    i = engine.interpret(analysis, "dog", 0.0)
    first = evidence.random_drops(Explained(engine, analysis, i), draws=2, seed=1)
    assert first == evidence.random_drops(Explained(engine, analysis, i), draws=2, seed=1)
    assert first is not None
    every = engine.interpret(analysis, "dog", gains=np.ones(engine.dictionary.n_components))
    unmatched = evidence.random_drops(Explained(engine, analysis, every), draws=1)
    assert unmatched is not None
    assert unmatched["equal_energy"] is False, "nothing is left to draw from"
    nothing = engine.interpret(analysis, "dog", 0.3, max_components=0)
    assert evidence.random_drops(Explained(engine, analysis, nothing)) is None


def test_digest_of_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        evidence.digest(tmp_path / "none.wav")


def test_the_page_tells_a_reader_all_of_it(made: tuple[bytes, dict]) -> None:
    files, report = _read(made[0]), made[1]
    page = files["evidence.html"].decode()
    assert "<h1>Evidence: dog.wav</h1>" in page
    told = ["ab" * 32, report["time"], "", "interpreter att", "Classes (10)", "sea waves"]
    told += ["torch " + report["versions"]["torch"], "20 random draws, seed 3", report["url"]]
    told += [*report["bundle_sha256"].values(), "a cat", "Tagged <strong"]
    told[2] = report["bundle"]
    for text in told:
        assert text in page, text
    assert base64.b64encode(files["spectrograms.png"]).decode() in page
    assert page.count("<audio") == 3
    assert "<script" not in page


def test_pictures_name_clip_model_decision_tag_and_note(
    engine: L2I, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    drawn = figures.spectrograms

    def spy(*given: Any, **more: Any) -> bytes:
        titles.append(more["title"])
        return drawn(*given, **more)

    monkeypatch.setattr(figures, "spectrograms", spy)
    explained = Explained(engine, analysis, engine.interpret(analysis, "dog", 0.3))
    name = "$x^2$_" + "long_name_" * 30 + ".wav"
    report = evidence.evidence_report(
        explained,
        clip_name=name,
        input_sha256="",
        digests={},
        tag=Tag("unsure", "why? " * 60),
    )
    evidence.evidence_zip(explained, report)
    first, second = titles[0].split("\n")
    assert first.startswith("$x^2$_long_name")
    assert f"{report['bundle']}, att · f says " in first
    assert "explained as “dog” at τ = 0.30" in second
    assert "tagged unsure · why? why?" in second
    assert max(len(first), len(second)) <= 4 * 60


def test_what_is_pinned_stands_beside_it(engine: L2I, analysis: Analysis) -> None:
    i = engine.interpret(analysis, "dog", 0.3)
    explained = Explained(engine, analysis, i)
    report = evidence.evidence_report(explained, clip_name="a", input_sha256="", digests={})
    pinned = Pinned(i.audio, engine.audio.sample_rate, b"png", {"τ": ("0.10", "0.30")})
    page = decision_html(exhibit("a", explained, report), pinned)
    assert "Compared with the pinned view" in page
    assert page.count("<audio") == 4
    assert "<td>0.10</td><td>0.30</td>" in page
