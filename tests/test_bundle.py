"""A bundle comes back as fp16 rounded it, and every damage is one sentence."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import random_bundle, several
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from l2i_core import L2I, AudioConfig, bundle_folders, load_bundle
from l2i_core import bundle as bundle_module
from l2i_core.bundle import SHIPPED, Bundle, save_bundle
from l2i_core.data.esc import ESC10_FOLDERS
from l2i_core.signal import audio

Edit = Callable[[dict[str, Any]], None]
TENSORS = ("classifier", "dictionary", "interpreter-att", "interpreter-max")


@pytest.fixture(scope="module")
def original() -> Bundle:
    """The bundle in memory, before fp16."""
    return random_bundle(AudioConfig(), "random")


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may damage."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "copy"))


def _edit(folder: Path, edit: Edit) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    edit(config)
    path.write_text(json.dumps(config))


def _refusal(folder: Path) -> str:
    with pytest.raises(ValueError) as refused:
        load_bundle(folder)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


# Round trip


def test_weights_come_back_as_fp16_rounded_them(original: Bundle, bundle: Bundle) -> None:
    pairs: list[tuple[nn.Module, nn.Module]] = [
        (original.classifier.network, bundle.classifier.network)
    ]
    pairs += [(original.interpreters[n], bundle.interpreters[n]) for n in ("att", "max")]
    for before, after in pairs:
        theirs = after.state_dict()
        for name, value in before.state_dict().items():
            expected = value.half().float() if value.is_floating_point() else value
            assert torch.equal(theirs[name], expected), name
            assert theirs[name].dtype == value.dtype


def test_dictionary_has_unit_norm_again(original: Bundle, bundle: Bundle) -> None:
    patterns = bundle.dictionary.patterns
    torch.testing.assert_close(patterns.norm(dim=0), torch.ones(12))
    half = original.dictionary.patterns.half().float()
    torch.testing.assert_close(patterns, half / half.norm(dim=0))


def test_settings_come_back(original: Bundle, bundle: Bundle, bundle_folder: Path) -> None:
    for field in ("name", "title", "classes", "audio", "default_interpreter", "multi_label"):
        assert getattr(bundle, field) == getattr(original, field), field
    assert dict(bundle.interpreter_info) == dict(original.interpreter_info)
    assert dict(bundle.training) == {"seed": 0}
    assert bundle.classifier.layers == original.classifier.layers
    assert bundle.folder == bundle_folder


def test_loaded_models_are_frozen(bundle: Bundle) -> None:
    for model in (bundle.classifier.network, *bundle.interpreters.values()):
        assert not model.training
        assert not any(p.requires_grad for p in model.parameters())


def test_saving_what_was_loaded_changes_no_byte(bundle: Bundle, tmp_path: Path) -> None:
    save_bundle(bundle, tmp_path / "first")
    save_bundle(load_bundle(tmp_path / "first"), tmp_path / "second")
    for name in (*(f"{t}.safetensors" for t in TENSORS), "config.json"):
        if name != "dictionary.safetensors":  # its norm is restored, then rounded again
            first, second = (tmp_path / f / name for f in ("first", "second"))
            assert first.read_bytes() == second.read_bytes(), name


def test_other_sizes_come_back(tmp_path: Path) -> None:
    config = AudioConfig(sample_rate=16000, n_fft=512, win_length=400, hop_length=160)
    made = dataclasses.replace(
        several(random_bundle(config, "other", components=3)), default_interpreter="max"
    )
    save_bundle(made, tmp_path / "other")
    engine = L2I.from_bundle(tmp_path / "other")
    assert engine.audio == config
    assert engine.interpreter_name == "max"
    assert engine.bundle.multi_label
    assert engine.dictionary.patterns.shape == (257, 3)


def test_card_and_metrics_are_optional_and_survive_saving(bundle: Bundle, copy: Path) -> None:
    assert load_bundle(copy).card() == ""
    assert load_bundle(copy).summary() is None
    (copy / "card.md").write_text("# Card\n")
    (copy / "metrics").mkdir()
    (copy / "metrics" / "summary.json").write_text('{"att": {"n": 3}}')
    save_bundle(bundle, copy)
    assert load_bundle(copy).card() == "# Card\n"
    assert load_bundle(copy).summary() == {"att": {"n": 3}}


def test_metrics_and_interpreters_of_other_weights_do_not_stay(bundle: Bundle, copy: Path) -> None:
    (copy / "metrics").mkdir()
    (copy / "metrics" / "summary.json").write_text("{}")
    with torch.no_grad():
        only = dataclasses.replace(
            bundle,
            interpreters={"max": bundle.interpreters["max"]},
            interpreter_info={"max": bundle.interpreter_info["max"]},
            default_interpreter="max",
            dictionary=dataclasses.replace(
                bundle.dictionary, patterns=bundle.dictionary.patterns.roll(1, 1)
            ),
        )
    save_bundle(only, copy)
    assert not (copy / "metrics").exists()
    assert not (copy / "interpreter-att.safetensors").exists()
    assert list(load_bundle(copy).interpreters) == ["max"]


def test_metrics_stay_where_a_network_only_came(bundle: Bundle, copy: Path) -> None:
    """Baselines trained after an evaluation must not cost it."""
    att = dataclasses.replace(
        bundle,
        interpreters={"att": bundle.interpreters["att"]},
        interpreter_info={"att": bundle.interpreter_info["att"]},
        default_interpreter="att",
    )
    save_bundle(att, copy)
    (copy / "metrics").mkdir()
    (copy / "metrics" / "noise.json").write_text("{}")
    save_bundle(bundle, copy)
    assert "max" in load_bundle(copy).interpreters
    assert (copy / "metrics" / "noise.json").is_file()
    save_bundle(att, copy)
    assert not (copy / "metrics").exists(), "they may speak of what went"


def test_impossible_bundles_are_not_written(bundle: Bundle, tmp_path: Path) -> None:
    huge = dataclasses.replace(bundle.dictionary, patterns=1e6 * bundle.dictionary.patterns)
    named = {"Att Loop": bundle.interpreters["att"]}
    (tmp_path / "file").write_text("in the way")
    for change, folder, sentence in (
        ({"dictionary": huge}, "new", "fp16"),
        ({"default_interpreter": "nmf"}, "new", "'nmf'"),
        ({"interpreters": named, "default_interpreter": "Att Loop"}, "new", "'Att Loop'"),
        ({}, "file/new", "cannot write"),
    ):
        with pytest.raises(ValueError, match=sentence):
            save_bundle(dataclasses.replace(bundle, **change), tmp_path / folder)  # type: ignore[arg-type]
        assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_bundles_are_found_by_name(
    bundle_folder: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2I_BUNDLES", f"{bundle_folder.parent}:{copy.parent}:/nowhere")
    found = bundle_folders()
    assert found["random"] == bundle_folder
    assert found["copy"] == copy
    assert load_bundle("random").folder == bundle_folder


def test_failed_saving_leaves_nothing(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, tensors: dict[str, Tensor]) -> None:
        path.write_bytes(b"half")
        if "interpreter" in path.name:
            raise OSError("disk full")

    monkeypatch.setattr(bundle_module, "save_half", full)
    with pytest.raises(OSError, match="disk full"):
        save_bundle(bundle, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_failed_saving_leaves_the_old_bundle(
    bundle: Bundle, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {p.name: p.read_bytes() for p in copy.iterdir()}

    def full(path: Path, tensors: dict[str, Tensor]) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(bundle_module, "save_half", full)
    with pytest.raises(OSError, match="disk full"):
        save_bundle(bundle, copy)
    assert {p.name: p.read_bytes() for p in copy.iterdir()} == before
    assert [p.name for p in copy.parent.iterdir()] == ["copy"]


# Damage


def test_absent_bundle_is_named() -> None:
    with pytest.raises(ValueError, match="no bundle 'nowhere'"):
        load_bundle("nowhere")


def test_folder_without_config_is_no_bundle(tmp_path: Path) -> None:
    assert "config.json is missing" in _refusal(tmp_path)


@pytest.mark.parametrize("name", TENSORS)
def test_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / f"{name}.safetensors").unlink()
    assert f"{name}.safetensors" in _refusal(copy)


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_tensors_are_named(copy: Path, name: str, damage: str) -> None:
    path = copy / f"{name}.safetensors"
    whole = path.read_bytes()
    path.write_bytes(
        {"cut": whole[: len(whole) // 2], "text": b"hello " * 99, "empty": b""}[damage]
    )
    sentence = _refusal(copy)
    assert f"{name}.safetensors" in sentence
    assert "damaged" in sentence


@pytest.mark.parametrize("text", ["{", "", "[1, 2]", "null", "\udcff"])
def test_damaged_config_is_named(copy: Path, text: str) -> None:
    (copy / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    assert "config.json is damaged" in _refusal(copy)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda c: c.update(colour="red"), "unknown config key 'colour'"),
        (lambda c: c.pop("classes"), "config key 'classes' is missing"),
        (lambda c: c.update(format=99), "format 99"),
        (lambda c: c["audio"].update(n_ftt=512), "'audio.n_ftt'"),
        (lambda c: c["audio"].update(hop_length=0), "audio.hop_length"),
        (lambda c: c["classifier"].update(layers=3), "does not fit"),
        (lambda c: c["dictionary"].pop("components"), "components"),
        (lambda c: c["dictionary"].update(components=13), "(513, 12)"),
        (lambda c: c["dictionary"].update(components=-1), "does not fit"),
        (
            lambda c: c["dictionary"].update(components="many"),
            "'dictionary.components' must be int",
        ),
        (lambda c: c["classes"].append("cat"), "'linear.bias' has shape (10,)"),
        (lambda c: c["interpreters"]["att"].update(pooling="mean"), "'mean'"),
        (lambda c: c["interpreters"]["att"].update(channels=8), "asks for"),
        (lambda c: c["interpreters"]["att"].update(channels=-8), "does not fit"),
        (lambda c: c["interpreters"]["att"].update(depth=8), "key 'interpreters.att.depth'"),
        (lambda c: c["interpreters"].update({"../att": c["interpreters"]["att"]}), "'../att'"),
        (lambda c: c["interpreters"].update(nmf=c["interpreters"]["att"]), "interpreter-nmf"),
        (lambda c: c.update(interpreters=[]), "'interpreters' must hold keys and values"),
        (lambda c: c.update(audio=3), "'audio' must hold keys and values"),
        (lambda c: c.update(classes=None), "'classes' must be a list"),
        (lambda c: c.update(default_interpreter="nmf"), "'nmf'"),
    ],
)
def test_config_that_does_not_fit_is_explained(copy: Path, edit: Edit, sentence: str) -> None:
    _edit(copy, edit)
    refusal = _refusal(copy)
    assert sentence in refusal
    assert str(copy) in refusal or "audio" in refusal or "pooling" in refusal


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_that_do_not_fit_are_named(copy: Path, name: str) -> None:
    path = copy / f"{name}.safetensors"
    whole = load_file(path)
    key = sorted(k for k in whole if whole[k].ndim > 1)[0]
    for change, sentence in (
        ({key: whole[key][:-1].contiguous()}, f"{key!r} has shape"),
        ({key: torch.full_like(whole[key], np.nan)}, f"{key!r} holds NaN"),
        ({key: torch.full_like(whole[key], np.inf)}, f"{key!r} holds NaN or infinite"),
        ({"extra": torch.zeros(1)}, "unknown tensor 'extra'"),
    ):
        save_file(whole | change, path)
        refusal = _refusal(copy)
        assert sentence in refusal
        assert path.name in refusal
    save_file({k: v for k, v in whole.items() if k != key} or {"x": torch.zeros(1)}, path)
    assert f"lacks the tensor {key!r}" in _refusal(copy)


def test_unknown_interpreter_is_refused_with_those_there_are(bundle_folder: Path) -> None:
    with pytest.raises(ValueError, match="'att-loop'.*att, max"):
        L2I.from_bundle(bundle_folder, "att-loop")


# The shipped model, where it is there

if (SHIPPED / "esc10" / "config.json").is_file():
    CLIPS = SHIPPED.parent / "clips"

    def test_shipped_bundle_is_complete_and_small() -> None:
        shipped = load_bundle("esc10")
        assert len(shipped.classes) == 10
        assert shipped.dictionary.n_components == 100
        assert {"att", "max", "att-loop"} <= set(shipped.interpreters)
        assert shipped.default_interpreter == "att-loop"
        assert shipped.card()
        summary = shipped.summary()
        assert summary is not None
        assert set(summary) == set(shipped.interpreters)
        files = [p for p in (SHIPPED / "esc10").rglob("*") if p.is_file()]
        assert sum(p.stat().st_size for p in files) < 45e6

    @pytest.mark.parametrize(
        ("name", "clips", "least", "may_fail"),
        [("esc10", 20, 18, set()), ("esc50", 37, 30, set(ESC10_FOLDERS.values()))],
    )
    def test_shipped_classifier_knows_the_demo_clips(
        name: str, clips: int, least: int, may_fail: set[str]
    ) -> None:
        engine = L2I.from_bundle(name)
        entries = json.loads((CLIPS / "clips.json").read_text())
        single = [e for e in entries if len(e["labels"]) == 1 and e["labels"][0] in engine.classes]
        assert len(single) == clips
        right = [e["labels"][0] for e in single if _heard(engine, e["file"]) == e["labels"][0]]
        assert len(right) >= least
        assert {e["labels"][0] for e in single} - set(right) <= may_fail, "no clip of these"

    def _heard(engine: L2I, file: str) -> str:
        """f's class of a demo clip."""
        return engine.classes[engine.analyse(*audio.read(CLIPS / file)).predicted]

    @pytest.mark.parametrize("name", ["att", "max", "att-loop"])
    def test_shipped_interpreters_select_and_agree(name: str) -> None:
        engine = L2I.from_bundle("esc10", name)
        analysis = engine.analyse(*audio.read(CLIPS / "dog-1.flac"))
        interpretation = engine.interpret(analysis, threshold=0.1)
        assert interpretation.selected
        assert engine.judge(analysis, interpretation).faithfulness > 0
