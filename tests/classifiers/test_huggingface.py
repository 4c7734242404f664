"""Hugging Face folders, saved here as their library saves them: front ends equal their own, gradients
and maps are there, and what a folder lacks is said."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from l2i_core.bundle import load_bundle, save_bundle
from l2i_core.classifiers import huggingface
from l2i_core.classifiers.opening import opened
from l2i_core.classifiers.protocol import SoundClassifier

RATE = 16000
LABELS = ("low", "high", "none")
NAMES: dict[str, Any] = {"id2label": dict(enumerate(LABELS)), "label2id": {n: i for i, n in enumerate(LABELS)}}  # fmt: skip
SMALL = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}  # fmt: skip
WAVEFORM = {**SMALL, "conv_dim": (8, 8, 8), "conv_kernel": (10, 3, 3), "conv_stride": (5, 4, 4), "num_feat_extract_layers": 3,
            "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}  # fmt: skip


def _ast() -> tuple[Any, Any]:
    config = transformers.ASTConfig(
        **SMALL, max_length=128, num_mel_bins=32, patch_size=8, frequency_stride=6, time_stride=4, **NAMES
    )  # fmt: skip
    extractor = transformers.ASTFeatureExtractor(num_mel_bins=32, max_length=128)
    return transformers.ASTForAudioClassification(config), extractor


def _waveform(kind: str) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        config = getattr(transformers, f"{kind}Config")(**WAVEFORM, **NAMES)
        model = getattr(transformers, f"{kind}ForSequenceClassification")(config)
        return model, transformers.Wav2Vec2FeatureExtractor()

    return make


def _whisper() -> tuple[Any, Any]:
    config = transformers.WhisperConfig(
        d_model=16, encoder_layers=3, encoder_attention_heads=2, encoder_ffn_dim=32, decoder_layers=1, decoder_attention_heads=2,
        decoder_ffn_dim=32, num_mel_bins=20, max_source_positions=100, vocab_size=60, pad_token_id=0, bos_token_id=1,
        eos_token_id=2, decoder_start_token_id=1, classifier_proj_size=8, **NAMES,
    )  # fmt: skip
    extractor = transformers.WhisperFeatureExtractor(feature_size=20, chunk_length=2)
    return transformers.WhisperForAudioClassification(config), extractor


KINDS = {
    "ast": _ast,
    "wav2vec2": _waveform("Wav2Vec2"),
    "hubert": _waveform("Hubert"),
    "wavlm": _waveform("WavLM"),
    "whisper": _whisper,
}
Opened = dict[str, tuple[Path, SoundClassifier, Any, Any]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Kind → its folder, f opened from it, the library's model and its feature extractor."""
    root, found = tmp_path_factory.mktemp("models"), {}
    for kind, make in KINDS.items():
        torch.manual_seed(0)
        model, extractor = make()
        for weights in model.parameters():
            if weights.ndim > 1:
                nn.init.normal_(weights, std=0.2)
        model.save_pretrained(root / kind)
        extractor.save_pretrained(root / kind)
        found[kind] = (root / kind, opened(str(root / kind)), model.eval(), extractor)
    return found


def _sounds(seconds: float = 1.2) -> torch.Tensor:
    return 0.2 * torch.randn(2, round(seconds * RATE), generator=torch.Generator().manual_seed(2))


def _theirs(model: Any, extractor: Any, sounds: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    given = extractor([s.numpy() for s in sounds], sampling_rate=RATE, return_tensors="pt")
    features = given[model.main_input_name]
    with torch.no_grad():
        return features, model(features).logits


@pytest.mark.parametrize("kind", KINDS)
def test_the_front_end_and_the_logits_are_the_models_own(models: Opened, kind: str) -> None:
    _, f, model, extractor = models[kind]
    for sounds in (_sounds(), torch.zeros(1, RATE), 30 * _sounds(0.4)):
        features, logits = _theirs(model, extractor, sounds)
        torch.testing.assert_close(f.features(sounds), features, atol=1e-3, rtol=0)
        torch.testing.assert_close(f.hear(sounds).logits, logits, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_white_box(models: Opened, kind: str) -> None:
    _, f, _, _ = models[kind]
    assert (f.classes, f.sample_rate, f.multi_label, f.notes) == (LABELS, RATE, False, ())
    assert f.differentiable
    sounds = _sounds().requires_grad_()
    heard = f.hear(sounds)
    (slope,) = torch.autograd.grad(heard.logits[:, 1].sum(), sounds)
    assert bool(slope.any())
    assert bool(torch.isfinite(slope).all())
    assert [layer.name for layer in f.layers] == ["layer 1", "layer 2", "layer 3"]
    bands = 5 if kind == "ast" else 1
    for layer, made in zip(f.layers, heard.maps, strict=True):
        assert (made.shape[1], made.shape[3]) == (layer.channels, bands)
        assert made.shape[2] * layer.step_seconds == pytest.approx(1.2, abs=2 * layer.step_seconds)


def test_the_maps_of_ast_are_time_and_frequency(models: Opened) -> None:
    """Before the first layer token (frequency, time) is a patch: a late band's click is found."""
    _, f, model, _ = models["ast"]
    seen: list[torch.Tensor] = []
    handle = model.audio_spectrogram_transformer.embeddings.patch_embeddings.projection.register_forward_hook(
        lambda module, given, output: seen.append(output)
    )  # fmt: skip
    with torch.no_grad():
        model(f.features(_sounds()))
    handle.remove()
    tokens = seen[0].flatten(2).transpose(1, 2)
    grid = f._layouts[0].grid
    assert grid is not None
    padded = torch.cat([torch.zeros(2, grid.special, 16), tokens], dim=1)
    torch.testing.assert_close(grid.unfolded(padded), seen[0].transpose(2, 3))


def test_long_sounds_are_heard_in_pieces(models: Opened) -> None:
    _, f, _, _ = models["whisper"]
    sounds = _sounds(5.0)
    pieces = [f.hear(sounds[:, i * RATE : (i + 2) * RATE]).logits for i in (0, 2, 4)]
    expected = 0.4 * pieces[0] + 0.4 * pieces[1] + 0.2 * pieces[2]
    torch.testing.assert_close(f.hear(sounds).logits, expected)
    assert f.hear(sounds).maps[0].shape[2] == 250


def test_an_unknown_front_end_is_a_black_box(
    models: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, f, model, extractor = models["wav2vec2"]
    monkeypatch.setattr(huggingface, "front_end", lambda extractor, config: None)
    black = opened(str(folder))
    assert (black.differentiable, black.layers) == (False, ())
    assert any("no gradient passes: a black box" in note for note in black.notes)
    sounds = _sounds().requires_grad_()
    assert not black.hear(sounds).logits.requires_grad
    torch.testing.assert_close(black.hear(sounds).logits, f.hear(sounds).logits.detach(), atol=1e-4, rtol=1e-4)  # fmt: skip


def test_a_front_end_that_differs_is_a_black_box(models: Opened, tmp_path: Path) -> None:
    """Dither or another version's filters would make ours another than the model's own."""
    folder = Path(shutil.copytree(models["whisper"][0], tmp_path / "dithered"))
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "dither": 0.01}))
    f = opened(str(folder))
    assert not f.differentiable
    assert any("differs from ours by" in note for note in f.notes)


def test_several_classes_at_once(models: Opened, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(models["ast"][0], tmp_path / "several"))
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "problem_type": "multi_label_classification"}))  # fmt: skip
    assert opened(str(folder)).multi_label
    assert opened(str(models["ast"][0]), multi_label=True).multi_label


def test_a_bundle_names_the_folder(models: Opened, tmp_path: Path) -> None:
    folder, f, _, _ = models["ast"]
    target = tmp_path / "mine"
    shutil.copytree(folder, target / "model")
    for place, kept in ((folder, str(folder)), (target / "model", "model")):
        made = load_bundle("esc50").explaining(opened(str(place)), "mine")
        save_bundle(made, target)
        config = json.loads((target / "config.json").read_text())
        assert config["classifier"] == {"kind": "huggingface", "folder": kept, "outputs": "logits"}
    moved = target.rename(tmp_path / "moved")
    again = load_bundle(moved).classifier
    torch.testing.assert_close(again.hear(_sounds()).logits, f.hear(_sounds()).logits)
    shutil.rmtree(moved / "model")
    with pytest.raises(ValueError, match="holds no model: config.json is missing"):
        load_bundle(moved)


# Bad folders


def _without(*names: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return damage


def _with_config(**values: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return damage


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:500])


def _headless(folder: Path) -> None:
    model = transformers.ASTModel.from_pretrained(folder)
    model.save_pretrained(folder)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without("config.json"), "holds no model: config.json is missing"),
        (_without("model.safetensors"), "holds no weights; weights are read from model.safetensors"),
        (_without("preprocessor_config.json"), "lacks preprocessor_config.json"),
        (_pickled, "holds pytorch_model.bin, a pickle, which is code"),
        (_cut, "is no Hugging Face model for audio classification"),
        (_headless, "the weights lack 'classifier.dense.bias', so this is no fine-tuned classifier"),
        (_with_config(auto_map={"AutoModel": "code.Model"}), "asks for code of its own"),
        (_with_config(model_type="bert"), "is no Hugging Face model for audio classification"),
        (lambda folder: (folder / "config.json").write_text("{"), "is damaged: it is not valid JSON"),
        (lambda folder: (folder / "config.json").write_text("{}"), "names no model_type"),
    ],
)  # fmt: skip
def test_a_bad_folder_gets_one_sentence(
    models: Opened, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    folder = Path(shutil.copytree(models["ast"][0], tmp_path / "bad"))
    damage(folder)
    with pytest.raises(ValueError, match=said) as refused:
        opened(str(folder))
    assert "\n" not in str(refused.value)


def test_what_is_told_must_agree(models: Opened) -> None:
    folder = str(models["ast"][0])
    with pytest.raises(
        ValueError, match=r"has 3 classes \(config.json\), and the list given has 2"
    ):
        opened(folder, classes=["a", "b"])
    with pytest.raises(ValueError, match=r"hears 16000 Hz .* the rate given is 8000 Hz"):
        opened(folder, rate=8000)
    assert opened(folder, classes=["a", "b", "c"], rate=RATE).classes == ("a", "b", "c")


def test_without_the_library_the_sentence_says_how_to_get_it(
    models: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match="pip install transformers"):
        opened(str(models["ast"][0]))
