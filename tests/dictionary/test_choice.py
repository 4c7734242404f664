"""W learned from one clip, and W read from a file."""

from pathlib import Path

import numpy as np
import pytest
import torch

from l2i_core import L2I
from l2i_core.dictionary import choice, nmf
from l2i_core.signal import spectra

BUNDLES = Path(__file__).parents[2] / "assets" / "bundles"


@pytest.fixture(scope="module")
def x(engine: L2I, dog: np.ndarray) -> torch.Tensor:
    return engine.analyse(dog, 44100).spectrogram.log_magnitude


def test_a_clips_own_dictionary_rebuilds_it_better_than_a_shared_one(
    engine: L2I, x: torch.Tensor
) -> None:
    own = choice.learned(x)
    assert own.shape == (len(x), choice.COMPONENTS)
    torch.testing.assert_close(own.norm(dim=0), torch.ones(choice.COMPONENTS))
    errors = [
        float((x - w @ nmf.project(x, w, iterations=60)).norm())
        for w in (own, engine.dictionary.patterns)
    ]
    assert errors[0] < errors[1]
    assert torch.equal(own, choice.learned(x))
    centres = (own * torch.arange(len(own))[:, None]).sum(0) / own.sum(0)
    assert (centres.diff() >= -1e-3).all()


@pytest.mark.parametrize(("frames", "components"), [(1, 2), (15, 2), (63, 7), (240, 30), (430, 30)])
def test_short_clips_have_fewer_components(x: torch.Tensor, frames: int, components: int) -> None:
    own = choice.learned(x[:, :frames])
    assert own.shape[1] == components
    assert bool(torch.isfinite(own).all())


def test_silence_has_nothing_to_learn(engine: L2I) -> None:
    silent = torch.zeros(engine.audio.n_bins, 100)
    assert not choice.learned(silent).any()
    sound = spectra.spectrogram(torch.zeros(30000), engine.audio, 0).log_magnitude
    assert not choice.learned(sound).any()


@pytest.mark.parametrize("given", ["", "dictionary.safetensors"])
def test_a_bundles_dictionary_is_read_as_the_bundle_has_it(given: str) -> None:
    found, audio = choice.read(BUNDLES / "esc50" / given)
    bundle = L2I.from_bundle("esc50").bundle
    assert audio == bundle.audio
    assert torch.equal(found.patterns, bundle.dictionary.patterns)


@pytest.mark.parametrize("given", ["nowhere", "esc50/classifier.safetensors", "esc50/card.md", "."])
def test_other_files_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match="holds no dictionary; give 'bundle', 'clip', a bundle's"):
        choice.read(BUNDLES / given)


@pytest.mark.parametrize("dictionary", ["clip", "bundle"])
def test_the_analysis_holds_the_dictionary_of_its_activations(dictionary: str) -> None:
    engine = L2I.from_bundle("esc50", "gradient", dictionary=dictionary)
    sound = np.random.default_rng(0).normal(size=48000).astype(np.float32)
    a = engine.analyse(sound, 16000)
    k = a.patterns.shape[1]
    assert a.activations.shape[0] == k == engine.on(a).dictionary.n_components
    assert torch.equal(engine.on(a).dictionary.patterns, a.patterns)
    assert (k == engine.dictionary.n_components) == (dictionary == "bundle")


@pytest.mark.parametrize(
    ("interpreter", "dictionary"), [("att", "bundle"), ("gradient", "bundle"), ("search", "clip")]
)
def test_every_explainer_has_a_dictionary_where_none_is_chosen(
    interpreter: str, dictionary: str
) -> None:
    assert L2I.from_bundle("esc50", interpreter).bundle.chosen_dictionary == dictionary
    chosen = L2I.from_bundle("esc50", interpreter, dictionary="bundle")
    assert chosen.bundle.chosen_dictionary == "bundle"
