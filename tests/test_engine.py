"""The engine's front as laws: what is analysed, what interpretations add up to, what f is asked."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from conftest import random_bundle
from torch import Tensor

from l2i_core import L2I, Analysis, AudioConfig
from l2i_core.bundle import Bundle
from l2i_core.classifiers.protocol import network_of
from l2i_core.data import synth
from l2i_core.dictionary import masking
from l2i_core.explainers.l2i import PsiTheta
from l2i_core.signal import spectra

DOMAINS = masking.MASK_DOMAINS
LEVELS = tuple(round(0.05 * i, 2) for i in range(20))


def _error_db(estimate: Tensor, truth: Tensor) -> float:
    difference = (estimate.double() - truth.double()).square().sum()
    return 10 * float(torch.log10(difference.clamp_min(1e-300) / truth.double().square().sum()))


def _spy(engine: L2I, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of frames × clips in every pass of f from now on."""
    seen: list[int] = []
    network = network_of(engine.classifier)
    assert network is not None
    forward = network.forward

    def counted(log_mel: Tensor) -> tuple[Tensor, list[Tensor]]:
        seen.append(log_mel.shape[0] * log_mel.shape[2])
        return forward(log_mel)

    monkeypatch.setattr(network, "forward", counted)
    return seen


@pytest.fixture(scope="module")
def silence(engine: L2I) -> Analysis:
    return engine.analyse(np.zeros(88200, np.float32), 44100)


@pytest.fixture(scope="module")
def long_clip() -> np.ndarray:
    """35 s at 44.1 kHz of changing sounds."""
    parts = [synth.clip(label, 3, 44100) for label in synth.LABELS[:7]]
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def long(engine: L2I, long_clip: np.ndarray) -> Analysis:
    return engine.analyse(long_clip, 44100)


# Analysis


def test_shapes_follow_bundle_and_clip(engine: L2I, analysis: Analysis, dog: np.ndarray) -> None:
    assert engine.classes == list(synth.LABELS)
    assert analysis.waveform.shape == dog.shape
    assert analysis.logits.shape == analysis.interpreter_logits.shape == (10,)
    assert analysis.activations.shape == (12, 431)
    assert analysis.attention.shape == (431,)
    assert analysis.pooled.shape == (12,)
    assert analysis.spectrogram.log_magnitude.shape == (513, 431)
    assert analysis.spectrogram.phase.shape == (513, 431)
    assert engine.dictionary.patterns.shape == (513, 12)
    assert engine.class_weights.shape == (10, 12)


def test_shapes_follow_another_front_end(engine_16k: L2I, dog: np.ndarray) -> None:
    a = engine_16k.analyse(dog, 44100)
    assert a.waveform.shape == (80000,)
    assert a.activations.shape == (7, 201)
    assert a.spectrogram.log_magnitude.shape == (513, 201)
    i = engine_16k.interpret(a, threshold=0.1)
    assert i.audio.shape == i.residual.shape == (80000,)


def test_analysis_is_stft_then_f_then_psi_then_theta(
    engine: L2I, analysis: Analysis, dog: np.ndarray
) -> None:
    x = torch.from_numpy(dog / np.abs(dog).max())
    magnitude = spectra.stft(x, engine.audio).abs()
    with torch.inference_mode():
        heard = engine.classifier.hear(x[None])
        found = engine.bundle.interpreters["att"](heard.maps, magnitude.shape[1])
        logits, (h, theirs, pooled, attention) = heard.logits, found
    ours = (analysis.logits, analysis.activations, analysis.interpreter_logits)
    for mine, expected in zip(ours, (logits, h, theirs), strict=True):
        torch.testing.assert_close(mine, expected[0], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(analysis.pooled, pooled[0], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(analysis.attention, attention[0], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", ["engine", "engine_max", "engine_16k"])
def test_contributions_sum_to_the_interpreters_logits(
    request: pytest.FixtureRequest, name: str, dog: np.ndarray
) -> None:
    engine: L2I = request.getfixturevalue(name)
    a = engine.analyse(dog, 44100)
    torch.testing.assert_close(
        (engine.class_weights * a.pooled).sum(dim=1), a.interpreter_logits, atol=1e-5, rtol=1e-4
    )
    for c in range(10):
        r = engine.relevance(a, c)
        largest = (engine.class_weights[c] * a.pooled).abs().max()
        assert float((r * largest).sum()) == pytest.approx(float(a.interpreter_logits[c]), abs=1e-4)
        assert float(r.abs().max()) == pytest.approx(1.0)


def test_attention_sums_to_one(analysis: Analysis, long: Analysis) -> None:
    for a in (analysis, long):
        assert float(a.attention.sum()) == pytest.approx(1.0, abs=1e-5)
        assert float(a.attention.min()) >= 0


def test_level_of_the_clip_does_not_matter_to_f(
    engine: L2I, analysis: Analysis, dog: np.ndarray
) -> None:
    quiet = engine.analyse(0.01 * dog, 44100)
    torch.testing.assert_close(quiet.logits, analysis.logits, atol=1e-3, rtol=1e-3)
    assert quiet.gain == pytest.approx(100 * analysis.gain, rel=1e-5)
    ours = engine.interpret(quiet, threshold=0.1).residual
    theirs = engine.interpret(analysis, threshold=0.1).residual
    assert _error_db(100 * ours, theirs) < -80, "sounds keep the clip's own level"


def test_channels_are_mixed_down(engine: L2I, analysis: Analysis, dog: np.ndarray) -> None:
    stereo = np.stack([1.5 * dog, 0.5 * dog])
    assert torch.equal(engine.analyse(stereo, 44100).waveform, torch.from_numpy(stereo.mean(0)))
    logits = engine.analyse(stereo, 44100).logits
    torch.testing.assert_close(logits, analysis.logits, atol=1e-3, rtol=1e-3)


def test_tensor_and_array_give_the_same(engine: L2I, analysis: Analysis, dog: np.ndarray) -> None:
    assert torch.equal(engine.analyse(torch.from_numpy(dog), 44100).logits, analysis.logits)


def test_input_is_left_unchanged(engine: L2I, dog: np.ndarray) -> None:
    copy = dog.copy()
    engine.interpret(engine.analyse(dog, 44100), threshold=0.1)
    np.testing.assert_array_equal(dog, copy)


def test_results_are_deterministic(bundle: Bundle, analysis: Analysis, dog: np.ndarray) -> None:
    other = L2I.from_bundle(bundle.folder or "", "att")
    again = other.analyse(dog, 44100)
    for name in ("logits", "interpreter_logits", "activations", "attention", "pooled"):
        assert torch.equal(getattr(again, name), getattr(analysis, name)), name


def test_threads_do_not_meet(engine: L2I, analysis: Analysis) -> None:
    def sounds(threshold: float) -> Tensor:
        return engine.interpret(analysis, threshold=threshold).audio

    levels = [0.0, 0.2, 0.5, 0.8] * 2
    alone = [sounds(level) for level in levels]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(sounds, levels))
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


# Interpretation


def test_default_target_is_fs_prediction(engine: L2I, analysis: Analysis) -> None:
    i = engine.interpret(analysis)
    assert i.target_index == analysis.predicted == int(analysis.logits.argmax())
    assert i.target == engine.classes[analysis.predicted]
    assert (i.threshold, i.mask_domain) == (0.3, "log")


def test_target_by_name_equals_target_by_position(engine: L2I, analysis: Analysis) -> None:
    by_name = engine.interpret(analysis, "rooster", 0.1)
    by_position = engine.interpret(analysis, synth.LABELS.index("rooster"), 0.1)
    assert by_name.target == by_position.target == "rooster"
    assert torch.equal(by_name.audio, by_position.audio)


@pytest.mark.parametrize("target", synth.LABELS)
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
def test_selection_is_above_the_threshold_in_falling_order(
    engine: L2I, analysis: Analysis, target: str, threshold: float
) -> None:
    i = engine.interpret(analysis, target, threshold)
    values = [float(i.relevance[k]) for k in i.selected]
    assert values == sorted(values, reverse=True)
    assert set(i.selected) == {k for k in range(12) if float(i.relevance[k]) > threshold}
    top = engine.interpret(analysis, target, threshold, max_components=2)
    assert top.selected == i.selected[:2]


@pytest.mark.parametrize("name", ["engine", "engine_max", "engine_16k"])
@pytest.mark.parametrize("threshold", [0.0, 0.4])
def test_linear_domain_sounds_sum_to_the_clip(
    request: pytest.FixtureRequest, name: str, dog: np.ndarray, threshold: float
) -> None:
    engine: L2I = request.getfixturevalue(name)
    a = engine.analyse(dog, 44100)
    for target in ("dog", "rain", "chainsaw"):
        i = engine.interpret(a, target, threshold, "linear")
        assert _error_db(i.audio + i.residual, a.waveform) < -100


def test_log_domain_spectrograms_sum_to_x(engine: L2I, analysis: Analysis) -> None:
    i = engine.interpret(analysis, "dog", 0.1)
    total = i.log_magnitude + i.residual_log_magnitude
    torch.testing.assert_close(total, analysis.spectrogram.log_magnitude)
    assert float(i.log_magnitude.min()) >= 0
    assert float((i.log_magnitude - analysis.spectrogram.log_magnitude).max()) <= 1e-5


@pytest.mark.parametrize("domain", DOMAINS)
def test_sounds_are_the_inverse_of_their_spectrograms(
    engine: L2I, analysis: Analysis, domain: str
) -> None:
    i = engine.interpret(analysis, "rain", 0.0, domain)
    for sound, x in ((i.audio, i.log_magnitude), (i.residual, i.residual_log_magnitude)):
        expected = spectra.invert(x, analysis.spectrogram.phase, len(sound), engine.audio)
        assert _error_db(sound * analysis.gain, expected) < -100


@pytest.mark.parametrize("domain", DOMAINS)
def test_one_selected_component_sounds_like_itself(
    engine: L2I, analysis: Analysis, domain: str
) -> None:
    i = engine.interpret(analysis, "dog", 0.0, domain, max_components=1)
    (k,) = i.selected
    assert torch.equal(i.audio, engine.component_audio(analysis, k, domain))


def test_linear_components_and_the_unmodelled_rest_sum_to_the_clip(
    engine: L2I, analysis: Analysis
) -> None:
    total = sum(engine.component_audio(analysis, k, "linear") for k in range(12))
    everything = engine.interpret(analysis, gains=np.ones(12), mask_domain="linear")
    assert isinstance(total, Tensor)
    assert _error_db(total, everything.audio) < -80
    assert _error_db(total + everything.residual, analysis.waveform) < -80


@pytest.mark.parametrize("domain", DOMAINS)
def test_own_gains_of_0_and_1_equal_the_selection(
    engine: L2I, analysis: Analysis, domain: str
) -> None:
    assert analysis.interpreter_logits is not None
    target = engine.classes[int(analysis.interpreter_logits.argmax())]
    i = engine.interpret(analysis, target, 0.1, domain)
    assert i.selected, "the case must select something"
    gains = [1.0 if k in i.selected else 0.0 for k in range(12)]
    own = engine.interpret(analysis, target, 0.9, domain, gains=gains)
    assert own.selected == i.selected
    assert torch.equal(own.audio, i.audio)
    assert torch.equal(own.residual, i.residual)
    assert own.energy_kept == i.energy_kept


def test_half_gain_lies_between(engine: L2I, analysis: Analysis) -> None:
    gains = np.zeros(12)
    energies = []
    for value in (0.0, 0.5, 1.0):
        gains[:] = value
        energies.append(engine.interpret(analysis, gains=gains, mask_domain="linear").energy_kept)
    assert energies[0] == 0.0
    assert energies[1] == pytest.approx(energies[2] / 4, rel=1e-4)


@pytest.mark.parametrize(
    "gains", [np.ones(11), np.ones((12, 1)), [], np.full(12, 1.1), np.full(12, -0.1), [np.nan] * 12]
)
def test_impossible_gains_are_refused(engine: L2I, analysis: Analysis, gains: object) -> None:
    with pytest.raises(ValueError, match="12 numbers in"):
        engine.interpret(analysis, gains=gains)  # type: ignore[arg-type]


@pytest.mark.parametrize("domain", DOMAINS)
def test_nothing_selected_is_silence_and_the_whole_clip(
    engine: L2I, analysis: Analysis, domain: str
) -> None:
    i = engine.interpret(analysis, mask_domain=domain, max_components=0)
    assert i.selected == ()
    assert not i.audio.any()
    assert torch.equal(i.residual, analysis.waveform)
    assert i.energy_kept == 0.0
    verdict = engine.judge(analysis, i)
    assert verdict.faithfulness == 0.0
    assert torch.equal(verdict.logits_without, analysis.logits)


def test_relevances_that_are_all_negative_select_nothing(
    engine: L2I, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = -engine.class_weights.abs()
    monkeypatch.setattr(PsiTheta, "class_weights", property(lambda self: weights))
    i = engine.interpret(analysis, threshold=0.0)
    assert i.selected == ()
    assert engine.judge(analysis, i).faithfulness == 0.0


@pytest.mark.parametrize("domain", DOMAINS)
def test_masks_in_pieces_are_the_masks(
    engine: L2I, analysis: Analysis, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine.interpret(analysis, "dog", 0.1, domain)
    monkeypatch.setattr(spectra, "CHUNK_FRAMES", 100)
    pieces = engine.interpret(analysis, "dog", 0.1, domain)
    for name in ("log_magnitude", "residual_log_magnitude", "audio", "residual"):
        ours, theirs = getattr(pieces, name), getattr(whole, name)
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("domain", DOMAINS)
def test_everything_kept_is_the_modelled_part(engine: L2I, analysis: Analysis, domain: str) -> None:
    i = engine.interpret(analysis, gains=np.ones(12), mask_domain=domain)
    active = (engine.dictionary.patterns @ analysis.activations) > 1e-12
    x = analysis.spectrogram.log_magnitude
    torch.testing.assert_close(i.log_magnitude, x * active, atol=1e-4, rtol=1e-4)
    share = float(
        (spectra.magnitude(x).square() * active).sum() / spectra.magnitude(x).square().sum()
    )
    assert i.energy_kept == pytest.approx(share, rel=1e-4)


@pytest.mark.parametrize("threshold", [-0.1, 1.0, 1.5, float("nan"), float("inf")])
def test_thresholds_outside_the_range_are_refused(
    engine: L2I, analysis: Analysis, threshold: float
) -> None:
    for ask in (
        lambda: engine.interpret(analysis, threshold=threshold),
        lambda: engine.sweep(analysis, thresholds=[0.5, threshold]),
    ):
        with pytest.raises(ValueError, match=r"τ must lie in \[0, 1\)"):
            ask()


@pytest.mark.parametrize("target", ["cat", "Dog", "", 10, -1, 2.0])
def test_unknown_classes_are_refused(engine: L2I, analysis: Analysis, target: object) -> None:
    with pytest.raises(ValueError, match="unknown class.*crackling_fire"):
        engine.interpret(analysis, target)  # type: ignore[arg-type]


def test_other_impossible_requests_are_refused(
    engine: L2I, analysis: Analysis, dog: np.ndarray
) -> None:
    for gain in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="gain"):
            engine.analyse(dog, 44100, gain=gain)
    with pytest.raises(ValueError, match="max_components"):
        engine.interpret(analysis, max_components=-1)
    with pytest.raises(ValueError, match="τ"):
        engine.interpret(analysis, threshold="0.3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="mask domain 'power'"):
        engine.interpret(analysis, mask_domain="power")
    for k in (-1, 12):
        with pytest.raises(ValueError, match="component"):
            engine.component_audio(analysis, k)
    with pytest.raises(ValueError, match="no interpreter 'nmf'.*att, max"):
        L2I(engine.bundle, "nmf")


# f's verdict


@pytest.mark.parametrize("domain", DOMAINS)
def test_verdict_is_f_on_the_sounds_at_the_clips_gain(
    engine: L2I, analysis: Analysis, domain: str
) -> None:
    i = engine.interpret(analysis, "dog", 0.1, domain)
    verdict = engine.judge(analysis, i)
    for sound, logits in (
        (i.audio, verdict.logits_interpretation),
        (i.residual, verdict.logits_without),
    ):
        again = engine.analyse(sound, 44100, gain=analysis.gain)
        assert again.gain == analysis.gain
        torch.testing.assert_close(again.logits, logits, atol=1e-3, rtol=1e-3)
    c = i.target_index
    expected = float(analysis.logits[c] - verdict.logits_without[c])
    assert verdict.faithfulness == pytest.approx(expected, abs=1e-6)
    silence = engine.classify(torch.zeros(1, 5 * 44100))[0]
    span = float(analysis.logits[c] - silence[c])
    assert engine.span(analysis, c) == pytest.approx(span, abs=1e-5)
    if span > 0:
        assert verdict.relative == pytest.approx(expected / span, rel=1e-4)
    else:
        assert math.isnan(verdict.relative)


def test_share_of_the_span_where_there_is_something_to_lose(
    engine: L2I, analysis: Analysis
) -> None:
    spans = [engine.span(analysis, c) for c in range(len(engine.classes))]
    gains = torch.ones(engine.dictionary.n_components)
    for c in (int(np.argmax(spans)), int(np.argmin(spans))):
        verdict = engine.judge(analysis, engine.interpret(analysis, c, gains=gains))
        if spans[c] > 0:
            assert verdict.relative == pytest.approx(verdict.faithfulness / spans[c], rel=1e-4)
        else:
            assert math.isnan(verdict.relative)
    assert max(spans) > 0


def test_f_on_the_clip_itself_is_the_analysis(
    engine: L2I, analysis: Analysis, long: Analysis
) -> None:
    for a in (analysis, long):
        logits = engine.classify(a.waveform[None] * a.gain)[0]
        torch.testing.assert_close(logits, a.logits, atol=1e-3, rtol=1e-3)


def test_f_on_silence_is_the_far_end_of_the_scale(engine: L2I, analysis: Analysis) -> None:
    everything = engine.interpret(analysis, "dog", gains=np.ones(12), mask_domain="linear")
    residual = torch.zeros_like(everything.residual)
    logits = engine.classify(residual[None])[0]
    torch.testing.assert_close(logits, engine.hearing.silence(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("domain", DOMAINS)
def test_removing_a_set_is_removing_the_selection(
    engine: L2I, analysis: Analysis, domain: str
) -> None:
    i = engine.interpret(analysis, "dog", 0.1, domain)
    sets = [list(i.selected), [], [0, 5, 11]]
    logits = engine.logits_without(analysis, sets, domain)
    assert logits.shape == (3, 10)
    without = engine.judge(analysis, i).logits_without
    torch.testing.assert_close(logits[0], without, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(logits[1], analysis.logits, atol=1e-3, rtol=1e-3)
    gains = np.isin(np.arange(12), sets[2]).astype(float)
    own = engine.interpret(analysis, "dog", mask_domain=domain, gains=gains)
    torch.testing.assert_close(
        logits[2], engine.judge(analysis, own).logits_without, atol=1e-3, rtol=1e-3
    )
    assert engine.logits_without(analysis, []).shape == (0, 10)


# All τ levels


@pytest.mark.parametrize("name", ["engine", "engine_max", "engine_16k"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_all_levels_equal_one_by_one(
    request: pytest.FixtureRequest, name: str, domain: str, dog: np.ndarray
) -> None:
    engine: L2I = request.getfixturevalue(name)
    a = engine.analyse(dog, 44100)
    target = max(range(10), key=lambda c: len(set(engine.relevance(a, c).clamp_min(0).tolist())))
    sweep = engine.sweep(a, target, LEVELS, domain)
    energy = masking.component_log_energy(
        a.spectrogram.log_magnitude, engine.dictionary.patterns, a.activations
    )
    assert sweep.target_index == target
    assert len(set(sweep.counts.tolist())) >= 3, "the case must have several selections"
    seen: dict[tuple[int, ...], tuple[float, Tensor, Tensor]] = {}
    for n, threshold in enumerate(LEVELS):
        i = engine.interpret(a, target, threshold, domain)
        assert int(sweep.counts[n]) == len(i.selected)
        if i.selected not in seen:
            verdict = engine.judge(a, i)
            seen[i.selected] = (
                verdict.faithfulness,
                verdict.logits_interpretation,
                verdict.logits_without,
            )
        drop, kept, without = seen[i.selected]
        assert float(sweep.faithfulness[n]) == pytest.approx(drop, abs=2e-3)
        torch.testing.assert_close(sweep.logits_interpretation[n], kept, atol=2e-3, rtol=1e-3)
        torch.testing.assert_close(sweep.logits_without[n], without, atol=2e-3, rtol=1e-3)
        assert float(sweep.energy_kept[n]) == pytest.approx(i.energy_kept, abs=1e-5)
        removed = float(energy[list(i.selected)].sum())
        assert float(sweep.log_energy_removed[n]) == pytest.approx(removed, abs=1e-5)


def test_levels_may_come_in_any_order(engine: L2I, analysis: Analysis) -> None:
    rising = engine.sweep(analysis, "dog", (0.0, 0.3, 0.9))
    falling = engine.sweep(analysis, "dog", (0.9, 0.3, 0.0))
    torch.testing.assert_close(rising.faithfulness, falling.faithfulness.flip(0))
    assert rising.counts.tolist() == falling.counts.tolist()[::-1]
    assert rising.counts.tolist() == sorted(rising.counts.tolist(), reverse=True)


# Silence, short clips, rates


def test_silence_is_explained(engine: L2I, silence: Analysis) -> None:
    assert silence.gain == 1.0
    assert bool(torch.isfinite(silence.logits).all())
    assert not silence.pooled.any()
    for domain in DOMAINS:
        i = engine.interpret(silence, "dog", 0.0, domain)
        assert i.selected == ()
        assert not i.relevance.any()
        assert not i.audio.any()
        assert not i.residual.any()
        assert engine.judge(silence, i).faithfulness == 0.0
    sweep = engine.sweep(silence, "dog")
    assert not sweep.counts.any()
    assert not sweep.faithfulness.any()


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.4, 2.0])
@pytest.mark.parametrize("name", ["engine", "engine_16k"])
def test_short_clips_keep_their_length(
    request: pytest.FixtureRequest, name: str, seconds: float, dog: np.ndarray
) -> None:
    engine: L2I = request.getfixturevalue(name)
    clip = dog[20000 : 20000 + round(44100 * seconds)]
    a = engine.analyse(clip, 44100)
    length = round(seconds * engine.audio.sample_rate)
    i = engine.interpret(a, "dog", 0.0, "linear")
    assert i.audio.shape == i.residual.shape == a.waveform.shape == (length,)
    assert _error_db(i.audio + i.residual, a.waveform) < -100
    assert engine.component_audio(a, 0).shape == (length,)
    verdict = engine.judge(a, i)
    again = engine.analyse(i.residual, engine.audio.sample_rate, gain=a.gain)
    torch.testing.assert_close(again.logits, verdict.logits_without, atol=1e-3, rtol=1e-3)


def test_padding_is_silence_behind_the_clip(engine: L2I, dog: np.ndarray) -> None:
    clip = dog[:44100]
    padded = np.pad(clip, (0, engine.min_length - len(clip)))
    torch.testing.assert_close(
        engine.analyse(clip, 44100).logits, engine.analyse(padded, 44100).logits
    )


@pytest.mark.parametrize("rate", [8000, 16000, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_any_rate_and_channels_are_explained(engine: L2I, rate: int, channels: int) -> None:
    n = round(0.7 * rate)
    clip = np.stack([np.sin(2 * np.pi * 440 * np.arange(n) / rate)] * channels)
    a = engine.analyse(clip.astype(np.float32), rate)
    i = engine.interpret(a, threshold=0.0)
    assert i.audio.shape == i.residual.shape == (round(0.7 * 44100),)
    assert bool(torch.isfinite(engine.judge(a, i).logits_without).all())


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(0, np.float32),
        np.zeros(2205, np.float32),
        np.full(44100, np.nan, np.float32),
        np.full((2, 44100), np.inf, np.float32),
    ],
    ids=["empty", "0.05 s", "NaN", "infinite"],
)
def test_impossible_clips_are_refused(engine: L2I, waveform: np.ndarray) -> None:
    with pytest.raises(ValueError, match="clip"):
        engine.analyse(waveform, 44100)


# Windows and long clips


def test_window_is_the_cut_clip(engine: L2I, dog: np.ndarray) -> None:
    ours = engine.analyse(dog, 44100, window=(1.0, 3.5))
    cut = engine.analyse(dog[44100 : round(3.5 * 44100)], 44100)
    assert torch.equal(ours.waveform, cut.waveform)
    assert torch.equal(ours.logits, cut.logits)
    assert ours.seconds == pytest.approx((1.0, 3.5))
    late = engine.analyse(dog, 44100, window=(3.0, 99.0))
    assert len(late.waveform) == 2 * 44100
    assert late.seconds == pytest.approx((3.0, 5.0))
    assert cut.seconds == pytest.approx((0.0, 2.5))


@pytest.mark.parametrize(
    "window", [(2.0, 2.0), (3.0, 1.0), (-1.0, 2.0), (4.95, 9.0), (6.0, 7.0), (1.0, 1.05)]
)
def test_windows_outside_the_clip_are_refused(
    engine: L2I, dog: np.ndarray, window: tuple[float, float]
) -> None:
    with pytest.raises(ValueError, match="window|clip lasts"):
        engine.analyse(dog, 44100, window=window)


def test_thirty_seconds_are_one_window(engine_16k: L2I) -> None:
    clip = np.concatenate([synth.clip("dog", s, 16000) for s in range(6)])
    a = engine_16k.analyse(clip, 16000)
    assert a.windows == ((0, a.spectrogram.log_magnitude.shape[1]),)
    assert torch.equal(a.window_logits[0], a.logits)


def test_long_clips_logits_are_the_mean_of_their_windows(engine: L2I, long: Analysis) -> None:
    frames = long.spectrogram.log_magnitude.shape[1]
    assert len(long.windows) > 1
    assert long.windows[0][0] == 0
    assert long.windows[-1][1] == frames
    assert all(a[1] == b[0] for a, b in zip(long.windows, long.windows[1:], strict=False))
    sizes = [end - start for start, end in long.windows]
    assert max(sizes) - min(sizes) <= 1
    assert long.window_logits.shape == (len(long.windows), 10)
    torch.testing.assert_close(long.logits, long.window_logits.mean(0))
    sound, hop = long.waveform * long.gain, engine.audio.hop_length
    for (start, end), logits in zip(long.windows, long.window_logits, strict=True):
        stop = None if end == frames else (end - 1) * hop
        heard = engine.classifier.hear(sound[None, start * hop : stop])
        h = engine.bundle.interpreters["att"](heard.maps, end - start)[0][0]
        torch.testing.assert_close(logits, heard.logits[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(long.activations[:, start:end], h, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        (engine.class_weights * long.pooled).sum(dim=1),
        long.interpreter_logits,
        atol=1e-4,
        rtol=1e-4,
    )


@pytest.mark.parametrize("domain", DOMAINS)
def test_long_clips_are_interpreted_like_any(engine: L2I, long: Analysis, domain: str) -> None:
    i = engine.interpret(long, "dog", 0.0, domain)
    assert i.audio.shape == i.residual.shape == long.waveform.shape
    if domain == "linear":
        assert _error_db(i.audio + i.residual, long.waveform) < -100
    verdict = engine.judge(long, i)
    sweep = engine.sweep(long, "dog", (0.0, 0.5), domain)
    torch.testing.assert_close(
        sweep.logits_without[0], verdict.logits_without, atol=2e-3, rtol=1e-3
    )
    again = engine.analyse(i.residual, 44100, gain=long.gain)
    torch.testing.assert_close(again.logits, verdict.logits_without, atol=1e-3, rtol=1e-3)


def test_long_silence_inside_a_clip_is_not_selected(engine_16k: L2I) -> None:
    clip = np.concatenate([synth.clip("dog", 1, 16000)] * 2 + [np.zeros(25 * 16000, np.float32)])
    a = engine_16k.analyse(clip, 16000)
    start, end = a.windows[-1]
    assert not a.activations[:, start:end].any()
    i = engine_16k.interpret(a, "dog", 0.0)
    assert not i.audio[-16000:].any()


def test_ten_minutes_need_no_larger_passes_than_half_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rate = 8000
    config = AudioConfig(sample_rate=rate)  # few frames a second: the law does not depend on them
    engine = L2I(random_bundle(config, "random-8k", components=4))
    clip = np.tile(np.concatenate([synth.clip(c, 2, rate) for c in synth.LABELS]), 12)
    assert len(clip) == 600 * rate
    passes = _spy(engine, monkeypatch)
    a = engine.analyse(clip, rate)
    i = engine.interpret(a, "dog", 0.1, "linear")
    verdict = engine.judge(a, i)
    assert len(a.windows) >= 20
    assert i.audio.shape == i.residual.shape == (len(clip),)
    assert _error_db(i.audio + i.residual, a.waveform) < -100
    assert bool(torch.isfinite(verdict.logits_without).all())
    two_sounds = 2 * config.n_frames(30 * rate)  # x_int and x_2 of the longest single window
    assert max(passes) <= two_sounds, "f's memory must not grow with the clip"
