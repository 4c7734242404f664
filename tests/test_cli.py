"""`python -m l2i_core`: stable files and keys, and for each bad input one line and exit code 2."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import WriteClip

from l2i_core import L2I, Analysis
from l2i_core.__main__ import main
from l2i_core.data import synth
from l2i_core.explainers.protocol import EXPLAINERS
from l2i_core.measure import audit
from l2i_core.measure.evaluation import Settings
from l2i_core.measure.explained import Explained
from l2i_core.report.report import make_report
from l2i_core.signal import audio

ROOT = Path(__file__).resolve().parent.parent
Refused = Callable[[list[str]], str]


@pytest.fixture
def clip(write_clip: WriteClip, dog: np.ndarray) -> Path:
    return write_clip("dog over rain.wav", dog, 44100, subtype="FLOAT")


def _files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def _samples(path: Path) -> np.ndarray:
    assert soundfile.info(path).subtype == "FLOAT"
    return soundfile.read(path, dtype="float32")[0]


# interpret


def test_report_on_stdout_is_the_engines(
    clip: Path,
    bundle_folder: Path,
    engine: L2I,
    analysis: Analysis,
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--json"]
    argv += ["--target", "rooster", "--threshold", "0.1", "--mask-domain", "linear"]
    assert main(argv) == 0
    out, err = capsys.readouterr()
    i = engine.interpret(analysis, "rooster", 0.1, "linear")
    expected = make_report(Explained(engine, analysis, i), clip.name)
    assert json.loads(out) == expected
    assert err == ""


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["l2i_core", "interpret", "assets/clips/dog-1.flac"], "For dog at tau = 0.3"),
        (["pipelines.results", "--bundle", "esc10"], "| tau | mean"),
    ],
)
def test_consoles_that_lack_signs_get_all_the_rest(command: list[str], expected: str) -> None:
    """cp1252 is a Western Windows'; it has no τ."""
    run = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert expected in run.stdout.decode("cp1252")


def test_defaults_are_the_designs(
    clip: Path, bundle_folder: Path, analysis: Analysis, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["interpret", str(clip), "--bundle", str(bundle_folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["clip"] == "dog over rain.wav"
    assert (report["threshold"], report["mask_domain"]) == (0.3, "log")
    assert report["target"] == report["predicted"] == synth.LABELS[analysis.predicted]
    assert report["interpreter"] == "att"


@pytest.mark.parametrize("domain", ["log", "linear"])
def test_out_holds_the_sounds_and_the_report(
    clip: Path,
    bundle_folder: Path,
    engine: L2I,
    analysis: Analysis,
    tmp_path: Path,
    domain: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "deep" / "out"
    argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--out", str(out), "--json"]
    argv += ["--target", "dog", "--threshold", "0", "--mask-domain", domain, "--components"]
    assert main(argv) == 0
    i = engine.interpret(analysis, "dog", 0.0, domain)
    assert i.selected, "the case must select something"
    components = {f"component-{k:03d}.wav": k for k in i.selected}
    expected = {"input.wav", "interpretation.wav", "residual.wav", "report.json", *components}
    assert _files(out) == expected
    report = json.loads((out / "report.json").read_text())
    assert report == json.loads(capsys.readouterr().out)
    assert report["selected"] == list(i.selected)
    np.testing.assert_array_equal(_samples(out / "input.wav"), analysis.waveform.numpy())
    np.testing.assert_allclose(_samples(out / "interpretation.wav"), i.audio.numpy(), atol=1e-6)
    np.testing.assert_allclose(_samples(out / "residual.wav"), i.residual.numpy(), atol=1e-6)
    for name, k in components.items():
        expected_sound = engine.component_audio(analysis, k, domain).numpy()
        np.testing.assert_allclose(_samples(out / name), expected_sound, atol=1e-6)
    if domain == "linear":
        total = _samples(out / "interpretation.wav") + _samples(out / "residual.wav")
        np.testing.assert_allclose(total, analysis.waveform.numpy(), atol=1e-5)


def test_without_components_none_are_written(
    clip: Path, bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["interpret", str(clip), "--bundle", str(bundle_folder), "--out", str(out)]) == 0
    assert _files(out) == {"input.wav", "interpretation.wav", "residual.wav", "report.json"}
    text = capsys.readouterr().out
    assert "dog over rain.wav" in text
    assert str(out) in text


def test_components_of_an_earlier_run_do_not_stay(
    clip: Path, bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--out", str(out), "--json"]
    argv += ["--target", "dog", "--components", "--threshold"]
    for threshold in ("0", "0.6"):
        assert main([*argv, threshold]) == 0
        selected = json.loads(capsys.readouterr().out)["selected"]
        written = {p.name for p in out.glob("component-*.wav")}
        assert written == {f"component-{k:03d}.wav" for k in selected}
    assert main([*argv[:-2], "--threshold", "0"]) == 0
    assert not list(out.glob("component-*.wav"))


def test_sounds_keep_the_clips_own_level(
    write_clip: WriteClip, dog: np.ndarray, bundle_folder: Path, tmp_path: Path
) -> None:
    quiet = write_clip("quiet.wav", 0.001 * dog, 44100, subtype="FLOAT")
    out = tmp_path / "out"
    assert main(["interpret", str(quiet), "--bundle", str(bundle_folder), "--out", str(out)]) == 0
    np.testing.assert_allclose(_samples(out / "input.wav"), 0.001 * dog, atol=1e-9)
    loudest = np.abs(_samples(out / "residual.wav")).max()
    assert loudest < 2 * np.abs(0.001 * dog).max()


@pytest.mark.parametrize("interpreter", ["att", "max"])
def test_interpreter_is_chosen(
    clip: Path, bundle_folder: Path, interpreter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--json"]
    assert main([*argv, "--interpreter", interpreter]) == 0
    assert json.loads(capsys.readouterr().out)["interpreter"] == interpreter


def test_conventions_are_chosen(
    clip: Path, bundle_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, rate = audio.read(clip)
    for name in ("paper", "released"):
        argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--json"]
        assert main([*argv, "--threshold", "0", "--conventions", name]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["conventions"] == name
        engine = L2I.from_bundle(bundle_folder, conventions=name)
        made = engine.interpret(engine.analyse(samples, rate), threshold=0.0)
        assert report["selected"] == list(made.selected)
        assert report["relevance"] == pytest.approx(made.relevance.tolist(), abs=1e-5)


def test_window_is_cut_out(
    clip: Path, bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--json"]
    assert main([*argv, "--out", str(tmp_path / "o"), "--window", "1", "3"]) == 0
    assert json.loads(capsys.readouterr().out)["length"] == 2 * 44100
    assert len(_samples(tmp_path / "o" / "residual.wav")) == 2 * 44100


@pytest.mark.parametrize("kind", ["silence", "eight", "192k", "8k", "0.1 s"])
def test_unusual_clips_are_explained(
    write_clip: WriteClip,
    bundle_folder: Path,
    kind: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rate = {"192k": 192000, "8k": 8000}.get(kind, 44100)
    seconds = 0.1 if kind == "0.1 s" else 0.6
    n = round(rate * seconds)
    sound = 0.0 if kind == "silence" else 0.2 * np.sin(np.arange(n) * 2000 / rate)
    samples = np.zeros(n) + sound
    if kind == "eight":
        samples = np.stack([samples] * 8, axis=1)
    path = write_clip("clip.wav", samples, rate)
    out = tmp_path / "out"
    argv = ["interpret", str(path), "--bundle", str(bundle_folder), "--out", str(out)]
    assert main([*argv, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["length"] == round(44100 * seconds)
    assert len(_samples(out / "interpretation.wav")) == report["length"]
    if kind == "silence":
        assert report["selected"] == []
        assert report["faithfulness"] == 0.0
        assert main(argv) == 0
        assert "No component is selected" in capsys.readouterr().out


# Bad input


def _text(folder: Path) -> Path:
    path = folder / "notes.wav"
    path.write_text("This is no sound.\n" * 99)
    return path


def _truncated(folder: Path) -> Path:
    path = folder / "cut.wav"
    soundfile.write(path, 0.1 * np.ones(44100), 44100)
    path.write_bytes(path.read_bytes()[:30000])
    return path


def _truncated_ogg(folder: Path) -> Path:
    path = folder / "cut.ogg"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(88200), 44100)
    path.write_bytes(path.read_bytes()[:-3000])
    return path


def _unreadable(folder: Path) -> Path:
    path = folder / "random.flac"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    return path


def _empty(folder: Path) -> Path:
    path = folder / "empty.wav"
    path.write_bytes(b"")
    return path


def _no_samples(folder: Path) -> Path:
    path = folder / "no-samples.wav"
    soundfile.write(path, np.zeros(0), 44100)
    return path


def _not_a_number(folder: Path) -> Path:
    path = folder / "nan.wav"
    soundfile.write(path, np.full(44100, np.nan), 44100, subtype="FLOAT")
    return path


def _infinite(folder: Path) -> Path:
    path = folder / "inf.wav"
    soundfile.write(path, np.full(44100, np.inf), 44100, subtype="FLOAT")
    return path


def _short(folder: Path) -> Path:
    path = folder / "short.wav"
    soundfile.write(path, np.zeros(2205), 44100)
    return path


BAD_CLIPS = (
    _text,
    _truncated,
    _truncated_ogg,
    _unreadable,
    _empty,
    _no_samples,
    _not_a_number,
    _infinite,
    _short,
)


@pytest.mark.parametrize("make", [*BAD_CLIPS, lambda folder: folder / "absent.wav", lambda f: f])
@pytest.mark.parametrize("command", ["interpret", "corrupt"])
def test_bad_clip_is_one_sentence(
    refused: Refused,
    bundle_folder: Path,
    tmp_path: Path,
    make: Callable[[Path], Path],
    command: str,
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    clip = make(folder)
    before = _files(tmp_path)
    if command == "interpret":
        argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--out"]
        argv += [str(tmp_path / "out")]
    else:
        argv = ["corrupt", str(clip), "--noise", "pink", "--snr", "3", "--out"]
        argv += [str(tmp_path / "out" / "x.wav")]
    refused(argv)
    assert _files(tmp_path) == before, "no half-written file"


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--target", "cat"], "unknown class 'cat'"),
        (["--threshold", "1"], "τ must lie in [0, 1)"),
        (["--threshold", "-0.01"], "τ must lie in [0, 1)"),
        (["--threshold", "nan"], "τ must lie in [0, 1)"),
        (["--threshold", "high"], "--threshold"),
        (["--interpreter", "nmf"], "no interpreter 'nmf'"),
        (["--mask-domain", "power"], "--mask-domain"),
        (["--conventions", "theirs"], "--conventions"),
        (["--window", "7", "9"], "window"),
        (["--window", "3", "1"], "window"),
        (["--window", "3"], "--window"),
        (["--bundle", "nowhere"], "no bundle 'nowhere'"),
        (["--loudness", "3"], "--loudness"),
    ],
)
def test_bad_option_is_one_sentence(
    refused: Refused,
    clip: Path,
    bundle_folder: Path,
    tmp_path: Path,
    option: list[str],
    sentence: str,
) -> None:
    argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--out", str(tmp_path / "out")]
    assert sentence in refused(argv + option)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "argv", [[], ["explain"], ["interpret"], ["corrupt", "a.wav"], ["info", "x"]]
)
def test_incomplete_command_is_one_sentence(refused: Refused, argv: list[str]) -> None:
    assert "--help" in refused(argv)


@pytest.mark.parametrize("command", ["interpret", "info"])
@pytest.mark.parametrize("damage", ["no config", "bad json", "cut", "unknown key", "nan"])
def test_damaged_bundle_is_one_sentence(
    refused: Refused,
    clip: Path,
    bundle_folder: Path,
    tmp_path: Path,
    command: str,
    damage: str,
) -> None:
    folder = Path(shutil.copytree(bundle_folder, tmp_path / "damaged"))
    config, weights = folder / "config.json", folder / "classifier.safetensors"
    if damage == "no config":
        config.unlink()
    elif damage == "bad json":
        config.write_text(config.read_text()[:-20])
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif damage == "unknown key":
        config.write_text(json.dumps(json.loads(config.read_text()) | {"colour": 1}))
    else:
        content = bytearray(weights.read_bytes())
        content[-64:] = b"\xff" * 64
        weights.write_bytes(bytes(content))
    argv = [command] + (
        [str(clip), "--out", str(tmp_path / "out")] if command == "interpret" else []
    )
    sentence = refused([*argv, "--bundle", str(folder)])
    assert str(folder) in sentence
    assert not (tmp_path / "out").exists()


def test_out_that_is_a_file_is_refused(
    refused: Refused, clip: Path, bundle_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("mine")
    argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--out"]
    assert "taken" in refused([*argv, str(tmp_path / "taken")])
    assert "taken" in refused([*argv, str(tmp_path / "taken" / "deeper")])
    audio.write(tmp_path / "mine" / "a.wav", 0.1 * np.sin(np.arange(22050)), 44100)
    argv = ["evaluate", str(tmp_path / "mine"), "--bundle", str(bundle_folder), "--out"]
    assert "taken" in refused([*argv, str(tmp_path / "taken")]), "before anything is measured"
    assert (tmp_path / "taken").read_text() == "mine"


# corrupt


def test_noise_is_added_at_the_ratio(
    clip: Path, dog: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "noisy.wav"
    argv = ["corrupt", str(clip), "--noise", "pink", "--snr", "6", "--out", str(out)]
    assert main([*argv, "--seed", "3"]) == 0
    noisy = _samples(out)
    noise = noisy.astype(float) - dog
    ratio = 10 * np.log10(np.sum(dog.astype(float) ** 2) / np.sum(noise**2))
    assert ratio == pytest.approx(6.0, abs=0.05)
    assert _files(out.parent) == {"noisy.wav"}
    assert str(out) in capsys.readouterr().out
    assert main([*argv, "--seed", "3"]) == 0
    np.testing.assert_array_equal(_samples(out), noisy)
    assert main([*argv, "--seed", "4"]) == 0
    assert not np.array_equal(_samples(out), noisy)


def test_noise_may_be_a_file_at_another_rate(write_clip: WriteClip, tmp_path: Path) -> None:
    tone = 0.1 * np.sin(2 * np.pi * 300 * np.arange(16000) / 16000)
    clip = write_clip("clip.wav", np.stack([tone, tone], axis=1), 16000, subtype="FLOAT")
    hum = np.sin(2 * np.pi * 1000 * np.arange(4410) / 44100)
    noise = write_clip("hum.flac", hum, 44100)
    out = tmp_path / "mixed.wav"
    argv = ["corrupt", str(clip), "--noise", str(noise), "--snr", "0", "--out", str(out)]
    assert main(argv) == 0
    assert soundfile.info(out).samplerate == 16000
    spectrum = np.abs(np.fft.rfft(_samples(out)))
    assert set(np.argsort(spectrum)[-2:]) == {300, 1000}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--noise": "blue"}, "white, pink, brown"),
        ({"--snr": "nan"}, "between"),
        ({"--snr": "loud"}, "--snr"),
        ({"--seed": "x"}, "--seed"),
        ({"--out": "."}, "folder"),
    ],
)
def test_bad_corruption_is_one_sentence(
    refused: Refused, clip: Path, tmp_path: Path, change: dict[str, str], sentence: str
) -> None:
    options = {"--noise": "white", "--snr": "3", "--out": str(tmp_path / "x.wav")} | change
    argv = ["corrupt", str(clip)] + [part for pair in options.items() for part in pair]
    assert sentence in refused(argv)
    assert _files(tmp_path) == {clip.name}


def test_silence_has_no_ratio(refused: Refused, write_clip: WriteClip, tmp_path: Path) -> None:
    silent = write_clip("silent.wav", np.zeros(44100))
    argv = ["corrupt", str(silent), "--noise", "white", "--snr", "3"]
    assert "silent" in refused([*argv, "--out", str(tmp_path / "x.wav")])
    bad = _text(tmp_path)
    argv = ["corrupt", str(silent), "--noise", str(bad), "--snr", "3"]
    assert bad.name in refused([*argv, "--out", str(tmp_path / "x.wav")])
    assert not (tmp_path / "x.wav").exists()


# info


def test_bundles_are_listed(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("L2I_BUNDLES", str(bundle_folder.parent))
    assert main(["info", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"esc10", "esc50", "scenes", "random"} <= set(rows)
    row = rows["random"]
    assert (row["classes"], row["components"], row["sample_rate"]) == (10, 12, 44100)
    assert row["interpreters"] == ["att", "max", *EXPLAINERS]
    assert main(["info"]) == 0
    assert "random: " in capsys.readouterr().out
    assert main(["info", "--bundle", "random"]) == 0
    out = capsys.readouterr().out
    assert "44100 Hz" in out
    assert f"Classes: {', '.join(synth.LABELS)}.\nNot measured yet" in out


def test_bundles_are_listed_by_the_names_that_load_them(
    bundle_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder may be called otherwise than the experiment that was trained in it."""
    shutil.copytree(bundle_folder, tmp_path / "mine")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path))
    assert main(["info"]) == 0
    listed = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert "mine" in listed
    for name in listed:
        assert main(["info", "--bundle", name]) == 0


def test_info_says_how_well_a_model_was_explained(
    measured_bundles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", "--bundle", str(measured_bundles / "measured")]) == 0
    line = "Measured on 12 clips: f's accuracy 0.917; top-1 fidelity att 0.917, max 0.917.\n"
    assert capsys.readouterr().out.endswith(line)
    assert main(["info", "--bundle", "esc50"]) == 0
    assert (
        "max-loop, gradient, search, surrogate; baselines flint, vibi)" in capsys.readouterr().out
    )


def test_one_damaged_bundle_does_not_hide_the_others(
    bundle_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(bundle_folder, tmp_path / "good")
    damaged = Path(shutil.copytree(bundle_folder, tmp_path / "damaged"))
    (damaged / "dictionary.safetensors").unlink()
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path))
    assert main(["info", "--json"]) == 0
    out, err = capsys.readouterr()
    folders = {row["folder"] for row in json.loads(out)}
    assert str(tmp_path / "good") in folders
    assert str(damaged) not in folders
    assert "dictionary.safetensors" in err


def test_damaged_metrics_are_one_sentence(
    refused: Refused, bundle_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(bundle_folder, tmp_path / "b"))
    (folder / "metrics").mkdir()
    (folder / "metrics" / "summary.json").write_text("{")
    assert "summary.json is damaged" in refused(["info", "--bundle", str(folder)])


def test_info_says_what_the_bundle_holds(
    bundle_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", "--bundle", str(bundle_folder), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["class_names"] == list(synth.LABELS)
    assert about["training"] == {"seed": 0}
    assert about["metrics"] is None
    trained = {k: f"Random weights, {v}." for k, v in (("att", "attention"), ("max", "max"))}
    assert about["interpreters"] == trained | {
        name: kind.description for name, kind in EXPLAINERS.items()
    }


# evidence, evaluate


def test_evidence_is_a_zip_that_names_its_input(
    clip: Path,
    bundle_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge, asked = L2I.judge, []
    monkeypatch.setattr(L2I, "judge", lambda *given: asked.append(given) or judge(*given))
    out = tmp_path / "new" / "evidence.zip"
    argv = ["interpret", str(clip), "--bundle", str(bundle_folder), "--threshold", "0.9"]
    assert main([*argv, "--evidence", str(out), "--json"]) == 0
    with zipfile.ZipFile(out) as archive:
        report = json.loads(archive.read("report.json"))
    assert report["input_sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert report.items() >= json.loads(capsys.readouterr().out).items()
    assert report["url"] is None
    assert len(asked) == 1, "f is asked once"


def test_evaluate_audits_a_folder(
    bundle_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "SETTINGS", Settings((0.3,), (0.3,), 1))
    folder = tmp_path / "mine"
    audio.write(folder / "dog" / "a.wav", 0.1 * np.sin(np.arange(13230)), 44100)
    (folder / "dog" / "bad.wav").write_text("text")
    out = tmp_path / "out"
    argv = ["evaluate", str(folder), "--bundle", str(bundle_folder), "--out", str(out)]
    assert main(argv) == 0
    printed, warned = capsys.readouterr()
    assert printed.startswith(
        "1 of 2 clips measured. The sound of 1 clip has its own warning. 1 of 1 dec"
    )
    assert "left out: bad.wav" in warned
    expected = {"audit.csv", "audit.json", "clips-att.csv", "levels-att.csv", "summary.json"}
    assert _files(out) == expected
    about = json.loads((out / "audit.json").read_text())["about"]
    short = "It lasts 0.30 s: there is little to hear."
    assert (about["clips"], len(about["left_out"])) == (1, 1)
    assert about["warnings"] == {"dog/a.wav": [short]}
    assert f"dog/a.wav: {short}" in printed
    for name in ("audit.csv", "clips-att.csv"):
        assert (out / name).read_bytes().startswith("\ufeffclip,".encode())


def test_nothing_to_hear_is_said_before_a_class(
    bundle_folder: Path, write_clip: WriteClip, dog: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).normal(0, 1e-5, (len(dog), 2))
    path = write_clip("a\nb.wav", np.stack([dog, -dog], 1) + noise, 8000, subtype="PCM_16")
    assert main(["interpret", str(path), "--bundle", str(bundle_folder)]) == 0
    first, second, third, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("a?b.wav: The 2 channels cancel: ")
    assert second == "a?b.wav: It was sampled at 8 kHz: above 4 kHz there is nothing to hear."
    assert third.startswith("a?b.wav: f says ")
    assert third.endswith(", unsupported.")
    assert main(["interpret", str(path), "--bundle", str(bundle_folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["supported"] is False
    assert [told[:5] for told in report["warnings"]] == ["The 2", "It wa"]


def test_a_pipe_is_explained(
    bundle_folder: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "63"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(clip.read_bytes()))
    writer.start()
    argv = ["interpret", str(pipe), "--bundle", str(bundle_folder), "--json"]
    assert main([*argv, "--evidence", str(tmp_path / "e.zip")]) == 0
    writer.join()
    piped = json.loads(capsys.readouterr().out)
    with zipfile.ZipFile(tmp_path / "e.zip") as archive:
        report = json.loads(archive.read("report.json"))
    assert report["input_sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert (piped["clip"], piped["length"]) == ("63", report["length"])


def test_evaluate_refuses_what_is_no_folder(refused: Refused, tmp_path: Path) -> None:
    assert "no folder" in refused(["evaluate", str(tmp_path / "absent")])
