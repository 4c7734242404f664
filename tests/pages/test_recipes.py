"""Scenes as names in the URL: what they say, and that the same name makes the same sounds."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import streamlit as st
from driving import wav_bytes

from l2i_core.data import synth
from pages.shell import clips, recipes, uploads
from pages.shell.clips import ClipSource
from pages.shell.recipes import Part, Recipe

NAME = "scene:10*dog-1*0.5*0*rain-1*2.25*-8*wind-1*all*-15"


@pytest.fixture(autouse=True)
def session() -> Iterator[None]:
    for key in ("l2i_uploads", "l2i_scenes"):
        st.session_state.pop(key, None)
    yield
    for key in ("l2i_uploads", "l2i_scenes"):
        st.session_state.pop(key, None)


def known() -> dict[str, ClipSource]:
    return clips.few_at_hand()


def test_a_name_says_a_scene_and_a_scene_its_name() -> None:
    recipe = recipes.parse(NAME)
    assert recipe == Recipe(
        10.0, (Part("dog-1", 0.5, 0.0), Part("rain-1", 2.25, -8.0)), Part("wind-1", 0.0, -15.0)
    )
    assert recipe.clip_id == NAME
    assert clips.kind_of(NAME) == recipes.KIND
    assert recipes.parse("scene:10.0*dog-1*.50*-0*rain-1*2.250*-8.0").clip_id == (
        "scene:10*dog-1*0.5*0*rain-1*2.25*-8"
    )


@pytest.mark.parametrize("clip", ["folder:a b*c/ü+1.wav", "dog+rain", "esc50:1-0-A-0", "50%"])
def test_any_clip_can_be_named(clip: str) -> None:
    recipe = Recipe(5.0, (Part(clip, 0.0, 0.0), Part("rain-1", 1.0, 3.0)), Part(clip, 0.0, -9.0))
    assert recipes.parse(recipe.clip_id) == recipe
    assert " " not in recipe.clip_id
    assert "+" not in recipe.clip_id, "links often turn it into a space"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("scene:", "it does not give a length, and a clip, onset and level for each sound"),
        ("scene:10*dog-1*0.5", "it does not give a length"),
        ("scene:long*dog-1*0*0*rain-1*0*0", "its length “long” is not a number"),
        ("scene:10*dog-1*soon*0*rain-1*0*0", "its onset “soon” is not a number"),
        ("scene:10*dog-1*0*0*rain-1*0*nan", "its level “nan” is not a number"),
        ("scene:4*dog-1*0*0*rain-1*0*0", "a scene lasts 5 to 30 s, not 4"),
        ("scene:10*dog-1*0*0", "a scene holds 2 to 4 sounds, not 1"),
        ("scene:10" + "*dog-1*0*0" * 5, "a scene holds 2 to 4 sounds, not 5"),
        ("scene:10*dog-1*10*0*rain-1*0*0", "sound 1 starts at 10 s, outside the scene of 10 s"),
        ("scene:10*dog-1*0*0*rain-1*0*60", "levels lie between −40 and 20 dB, not at 60"),
        ("scene:10*dog-1*0*3*rain-1*0*0", "the first sound's level is what the others"),
        ("scene:10*dog-1*0*0*noise-pink*0*0", "sound 2 must be a clip"),
        ("scene:10*dog-1*0*0*scene:5*0*0", "sound 2 must be a clip"),
        ("scene:10*dog-1*0*0*rain-1*0*0*wind-1*all*0*wind-1*all*0", "it has two backgrounds"),
    ],
)
def test_a_wrong_name_says_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        recipes.parse(text)


def test_stems_sum_to_the_scene_and_lie_where_they_were_placed() -> None:
    scene = recipes.scene(recipes.parse(NAME), known())
    whole, rate = scene.read()
    stems = scene.stems()
    sounds = [stem.read()[0][0] for stem in stems]
    assert rate == 44100
    assert whole.shape == (1, 441000)
    assert np.abs(sum(sounds) - whole[0]).max() < 1e-6
    assert [stem.labels for stem in stems] == [("dog",), ("rain",), ("wind",)]
    assert [stem.title for stem in stems] == ["Dog 1", "Rain 1", "Wind 1"]
    assert not sounds[1][: int(2.25 * rate)].any()
    assert sounds[1][int(2.26 * rate) :].any()
    behind = sounds[2].reshape(10, -1)
    assert np.abs(behind).max(axis=1).min() > 0, "the background is there all the time"
    assert scene.labels == ("dog", "rain", "wind")
    assert scene.header().seconds == 10
    assert scene.title == "Dog 1 + Rain 1 + Wind 1 (10.0\u202fs)"


def test_the_same_recipe_makes_the_same_scene_and_any_change_another() -> None:
    recipe = recipes.parse(NAME)
    one, two = recipes.scene(recipe, known()), recipes.scene(recipe, known())
    assert one.digest == two.digest
    first = one.stems()[0].data
    recipes._made = type(recipes._made)(recipes._made.most)  # another server
    assert two.stems()[0].data == first
    other = recipes.scene(recipes.parse(NAME.replace("*-8*", "*-9*")), known())
    assert other.digest != one.digest


def test_noise_is_a_background_and_needs_no_clip() -> None:
    recipe = recipes.parse("scene:5*dog-1*0*0*rain-1*0*0*noise-pink*all*-20")
    assert recipe.missing(known()) == []
    noise = recipes.scene(recipe, known()).stems()[-1]
    assert noise.title == "Pink noise"
    assert noise.labels == ()
    assert noise.read()[0].std() > 0


def test_uploads_are_named_by_their_content() -> None:
    upload = uploads.from_upload("mine.wav", wav_bytes(synth.clip("crow", 3)))
    recipe = Recipe(6.0, (Part("dog-1", 0.0, 0.0), Part(upload.id, 1.0, -3.0)))
    assert recipe.missing(known()) == [upload.id]
    recipes.keep(recipe.clip_id)
    assert not recipes.collection(known()).clips, "it cannot be made here"
    uploads.keep(upload)
    assert list(recipes.collection(known()).clips) == [recipe.clip_id]
    scene = recipes.scene(recipe, known())
    assert scene.stems()[1].labels == ()
    assert scene.file_name == "scene-dog-1+mine.wav"


def test_a_silent_stretch_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "late.wav"
    soundfile.write(path, np.concatenate([np.zeros(6 * 44100), synth.clip("dog", 1)]), 44100)
    late = {**known(), "late": ClipSource("late", "Late", path.name, path)}
    recipe = Recipe(5.0, (Part("dog-1", 0.0, 0.0), Part("late", 0.0, 0.0)))
    with pytest.raises(ValueError, match="sound 2 is silent where it is placed; choose another"):
        recipes.scene(recipe, late).read()


def test_the_session_keeps_the_last_scenes_once() -> None:
    names = [f"scene:{seconds}*dog-1*0*0*rain-1*0*0" for seconds in range(5, 15)]
    for name in [*names, names[-1]]:
        assert recipes.keep(name) == name
    assert list(recipes.collection(known()).clips) == names[-8:]


def test_demo_mixtures_know_their_stems() -> None:
    mixtures = [clip for clip in clips.bundled() if "+" in clip.id]
    assert len(mixtures) == 8
    for clip in mixtures:
        stems = clip.stems()
        assert tuple(stem.labels[0] for stem in stems) == clip.labels
        whole = clip.read()[0][0]
        total = sum(stem.read()[0][0] for stem in stems)
        assert np.abs(total - whole).max() < 1e-4
    assert known()["dog-1"].stems() == ()


def test_a_scene_of_the_same_upload_has_the_names_of_its_own_session() -> None:
    data, titles = wav_bytes(synth.clip("crow", 5)), []
    for name in ("Anna's secret.wav", "mine.wav"):
        upload = uploads.from_upload(name, data)
        recipe = Recipe(5.0, (Part(upload.id, 0.0, 0.0), Part("rain-1", 1.0, 0.0)))
        made = recipes.scene(recipe, {**known(), upload.id: upload})
        titles.append([made.title, *(stem.title for stem in made.stems())])
        assert made.read()[0].shape[1] == 5 * 44100
    assert "secret" in titles[0][1]
    assert "secret" not in "".join(titles[1])
