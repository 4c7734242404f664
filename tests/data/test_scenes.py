"""Scenes: sounds on a time line with their stems, and what chance draws for one."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from l2i_core.data import scenes, synth
from l2i_core.data.scenes import CLASSES, PEAK, Placed, arrange

RATE = 8000
LEVEL = 20 * np.log10(scenes.LEVEL_RMS)


def tone(seconds: float, amplitude: float = 0.1, hertz: float = 440.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def level_db(sound: np.ndarray) -> float:
    return 20 * np.log10(scenes.active_level(sound))


def test_a_bark_is_as_loud_with_silence_after_it() -> None:
    bark = tone(1.024)
    assert level_db(bark) == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.01)
    assert level_db(np.concatenate([bark, silence(5)])) == pytest.approx(level_db(bark), abs=0.01)
    assert level_db(3 * bark) == pytest.approx(level_db(bark) + 20 * np.log10(3), abs=0.01)


def test_silence_has_no_level_and_a_click_in_the_last_frame_has_one() -> None:
    assert scenes.active_level(silence(1)) == 0
    assert scenes.active_level(silence(0)) == 0
    click = silence(0.2)
    click[-10:] = 0.5
    assert scenes.active_level(click) > 0
    assert arrange([Placed(click, 0.0, 0.0)], 1.0, RATE).mixture.any()


def test_stems_sum_to_the_mixture_at_their_onsets_and_levels() -> None:
    parts = [Placed(tone(3), 0.0, 0.0), Placed(tone(1, 0.7, 900), 0.5, -6.0)]
    made = arrange(parts, 3.0, RATE)
    assert made.mixture.shape == (3 * RATE,)
    assert made.stems.shape == (2, 3 * RATE)
    assert made.mixture.dtype == made.stems.dtype == np.float32
    assert np.array_equal(made.mixture, made.stems.sum(0, dtype=np.float64).astype(np.float32))
    first, second = made.stems
    assert level_db(first) == pytest.approx(LEVEL, abs=0.1)
    assert level_db(second[RATE // 2 :]) - level_db(first) == pytest.approx(-6, abs=0.2)
    assert not second[: RATE // 2].any()
    assert not second[round(1.5 * RATE) :].any()
    assert second[RATE // 2 :].any()


def test_one_gain_keeps_the_peak_below_the_limit() -> None:
    parts = [Placed(tone(1), 0.0, 30.0), Placed(tone(1, hertz=100), 0.0, 24.0)]
    made = arrange(parts, 1.0, RATE)
    assert np.abs(made.mixture).max() == pytest.approx(PEAK, abs=1e-4)
    assert level_db(made.stems[0]) - level_db(made.stems[1]) == pytest.approx(6, abs=0.1)


def test_edges_are_faded_and_the_end_is_cut() -> None:
    made = arrange([Placed(np.ones(5 * RATE, np.float32), 1.0, 0.0)], 2.0, RATE)
    stem, fade = made.stems[0], round(scenes.FADE_SECONDS * RATE)
    assert stem[RATE] == 0
    assert stem[-1] == 0
    assert (np.diff(stem[RATE : RATE + fade]) > 0).all()
    assert np.allclose(stem[RATE + fade : -fade], stem[RATE + fade])


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([], "a scene needs at least one sound; place one."),
        ([Placed(tone(1), 2.0, 0.0)], "sound 1 starts at 2 s, outside the scene of 2 s"),
        ([Placed(tone(1), -0.1, 0.0)], "sound 1 starts at -0.1 s, outside the scene of 2 s"),
        ([Placed(tone(1), float("nan"), 0.0)], "sound 1 starts at nan s"),
        ([Placed(tone(1), 0.0, 0.0), Placed(tone(1), 0.0, float("inf"))], "the level of sound 2"),
        ([Placed(tone(1), 0.0, float("nan"))], "the level of sound 1 must lie between"),
        ([Placed(silence(1), 0.0, 0.0)], "sound 1 is silent where it is placed"),
        ([Placed(silence(0), 0.0, 0.0)], "sound 1 is silent where it is placed"),
        ([Placed(np.concatenate([silence(1), tone(1)]), 1.5, 0.0)], "sound 1 is silent where"),
        ([Placed(tone(1), 2 - 1 / RATE, 0.0)], "sound 1 is silent where"),
        ([Placed(1 + tone(1), 2 - 2 / RATE, 0.0)], "sound 1 is silent where"),  # faded away
    ],
)
def test_what_cannot_be_placed_is_one_sentence(parts: list[Placed], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        arrange(parts, 2.0, RATE)


def test_trim_takes_silence_from_both_ends() -> None:
    sound = np.concatenate([silence(1), tone(1), silence(2)])
    assert len(scenes.trim(sound)) == pytest.approx(RATE, abs=1100)
    assert level_db(scenes.trim(sound)) == pytest.approx(level_db(tone(1)), abs=1)


@pytest.mark.parametrize("label", ["dog", "rain", "footsteps", "siren"])
def test_trim_is_librosas(label: str) -> None:
    sound = synth.clip(label, 3, RATE)
    quiet = np.concatenate([silence(0.3), 1e-3 * sound, sound, 1e-4 * sound])
    for given in (sound, quiet, quiet[:500], silence(1)):
        theirs, _ = librosa.effects.trim(
            given, top_db=scenes.SILENT_DB, frame_length=1024, hop_length=256
        )
        assert np.array_equal(scenes.trim(given), theirs)


def test_an_excerpt_holds_the_bark_whatever_the_share() -> None:
    sound = np.concatenate([silence(4), tone(1), silence(4)])
    for share in (0.0, 0.4, 0.999):
        part = scenes.excerpt(sound, RATE, share)
        assert len(part) == RATE
        assert np.sum(part**2) > 0.2 * np.sum(tone(1) ** 2)
    short = tone(0.5)
    assert scenes.excerpt(short, RATE, 0.5) is short


def test_a_loop_fills_the_length_without_gaps() -> None:
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(RATE)).astype(np.float32)
    made = scenes.loop(noise, 5 * RATE + 7, RATE)
    assert made.shape == (5 * RATE + 7,)
    assert made.dtype == np.float32
    assert np.array_equal(made[: RATE // 2], noise[: RATE // 2])
    blocks = made[: 5 * RATE].reshape(-1, RATE // 4)
    loudness = np.sqrt(np.mean(blocks**2, axis=1))
    assert loudness.min() > 0.8 * loudness.max()
    assert np.array_equal(scenes.loop(noise, 100, RATE), noise[:100])
    assert np.array_equal(scenes.loop(noise[:2], 5, RATE), np.resize(noise[:2], 5))


def test_drawn_events_stay_within_the_scene_and_their_classes() -> None:
    pools = {category: 3 for group in CLASSES.values() for category in group}
    for seed in range(40):
        generator = np.random.default_rng(seed)
        events = scenes.draw_events(generator, pools, 3, scenes.SECONDS)
        assert len({event.label for event in events}) == 3
        for event in events:
            assert event.category in CLASSES[event.label]
            assert 0 <= event.clip < 3
            assert 1 <= event.seconds <= 5
            assert 0 <= event.onset <= scenes.SECONDS - event.seconds
            assert -5 <= event.snr_db <= 15
            assert 0 <= event.share < 1
    one, two = (
        scenes.draw_events(np.random.default_rng(7), pools, 2, scenes.SECONDS) for _ in range(2)
    )
    assert one == two


def test_a_label_finds_its_class_in_either_kind_of_model() -> None:
    assert scenes.class_of("dog", ("dog", "rain")) == "dog"
    assert scenes.class_of("siren", tuple(CLASSES)) == "alert_signal"
    assert scenes.class_of("siren", ("siren", "alert_signal")) == "siren"
    assert scenes.class_of("engine", tuple(CLASSES)) == "engine"
    assert scenes.class_of("rain", tuple(CLASSES)) is None
    assert scenes.class_of("anything", ("dog",)) is None


def test_no_category_belongs_to_two_classes() -> None:
    categories = [category for group in CLASSES.values() for category in group]
    assert len(categories) == len(set(categories))
    assert not set(categories) & set(scenes.BACKGROUNDS)


def test_stems_lie_beside_the_mixture(tmp_path: Path) -> None:
    mixture = tmp_path / "audio" / "test-00001.wav"
    for name in ("dog", "background"):
        path = tmp_path / "stems" / "test-00001" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert list(scenes.stem_files(mixture)) == ["background", "dog"]
    with pytest.raises(ValueError, match=r"test-00002.wav has no stems: .* holds no WAV files."):
        scenes.stem_files(mixture.with_name("test-00002.wav"))


def test_stems_that_cancel_do_not_clip() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    made = scenes.arrange(
        [scenes.Placed(tone, 0.0, 40.0), scenes.Placed(-tone, 0.0, 40.0)], 1.0, 22050
    )
    assert np.abs(made.mixture).max() < 1e-3
    assert np.abs(made.stems).max() == pytest.approx(1.0, abs=1e-6)
    assert np.allclose(made.mixture, made.stems.sum(axis=0), atol=1e-6)
