"""Other people's folders: labels found in any tree, side files, tables of spreadsheets."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from l2i_core.data import archives
from l2i_core.data.clips import load_clip
from l2i_core.data.folders import any_folder
from l2i_core.data.sets import open_data_set
from l2i_core.signal.spectra import AudioConfig

CLASSES = ("dog", "sea_waves", "crying_baby", "rain")
HEADER = "filename,fold,target,category,esc10,src_file,take"


@pytest.fixture(scope="module")
def wav() -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.3 * np.sin(np.arange(2000) / 7), 16000, format="WAV")
    return buffer.getvalue()


def _tree(root: Path, wav: bytes, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav)
    return root


def _labels(root: Path) -> dict[str, str]:
    return {clip.path.name: clip.label for clip in any_folder(root, CLASSES).clips if clip.path}


@pytest.mark.parametrize(
    "folder",
    [
        *("dog", "Dog", " DOG", "001 - Dog bark", "train/dog", "dog/site1", "set/fold1/dog/2024"),
        *("top/dog", "a/b/c/Dog/d"),
    ],
)
def test_the_nearest_class_above_is_the_label(folder: str, tmp_path: Path, wav: bytes) -> None:
    found = any_folder(_tree(tmp_path, wav, f"{folder}/x.wav"), CLASSES)
    assert [clip.label for clip in found.clips] == ["dog"]
    assert found.notes == ()


@pytest.mark.parametrize(
    "folder", ["Sea Waves", "sea-waves", "SEA_WAVES", "sea  waves", "ｓea waves"]
)
def test_names_are_read_in_any_spelling(folder: str, tmp_path: Path, wav: bytes) -> None:
    assert _labels(_tree(tmp_path, wav, f"{folder}/x.wav")) == {"x.wav": "sea_waves"}


@pytest.mark.parametrize("folder", ["site_A", "fold1", "2024-05-01", "cat", "Aufnahmen"])
def test_folders_that_are_no_classes_are_unknown(folder: str, tmp_path: Path, wav: bytes) -> None:
    found = any_folder(_tree(tmp_path, wav, f"{folder}/x.wav"), CLASSES)
    assert [clip.label for clip in found.clips] == [""]
    assert found.notes == (f"“{folder}” is no class of this model: labels unknown.",)


def test_some_known_and_some_not_are_told(tmp_path: Path, wav: bytes) -> None:
    found = any_folder(_tree(tmp_path, wav, "dog/1.wav", "yard/2.wav", "lake/3.wav"), CLASSES)
    assert [clip.label for clip in found.clips] == ["dog", "", ""]
    (told,) = found.notes
    assert told.startswith("Labels are taken from “dog”; “lake” and “yard” are no class")


@pytest.mark.parametrize(
    ("folder", "label"),
    [("train", "train"), ("train/train", "train"), ("train/yard", ""), ("train/dog", "dog")],
)
def test_a_class_may_be_called_as_a_split(
    folder: str, label: str, tmp_path: Path, wav: bytes
) -> None:
    found = any_folder(_tree(tmp_path, wav, f"{folder}/x.wav"), ("train", "dog"))
    assert [clip.label for clip in found.clips] == [label]


def test_a_mapping_file_says_what_folders_mean(tmp_path: Path, wav: bytes) -> None:
    _tree(tmp_path, wav, "Hund/1.wav", "Regen/site/2.wav", "x/3.wav")
    table = tmp_path / "classes.csv"
    table.write_bytes("\ufefffolder;class\nHund;Dog\nREGEN;rain\nx;\n".encode())
    assert _labels(tmp_path) == {"1.wav": "dog", "2.wav": "rain", "3.wav": ""}
    table.write_text("folder,class\nHund,wolf\n")
    with pytest.raises(ValueError, match=r"classes.csv, line 2: 'wolf' is no class of this model"):
        any_folder(tmp_path, CLASSES)
    table.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match='needs the columns "folder" and "class"'):
        any_folder(tmp_path, CLASSES)


def test_what_systems_leave_is_neither_clip_nor_class(tmp_path: Path, wav: bytes) -> None:
    names = [f"{side}/dog/x.wav" for side in (".git", "@eaDir", "$RECYCLE.BIN", "__MACOSX")]
    names += ["dog/._1.wav", ".ipynb_checkpoints/2.wav", "System Volume Information/3.wav"]
    names += ["#recycle/4.wav", "dog/.5.wav", "lost+found/6.wav", "dog/@eaDir/7.wav"]
    _tree(tmp_path, wav, "dog/1.wav", "rain/1.wav", *names)
    for name in ("dog/notes.txt", "dog/cover.jpg", "README", "dog/Thumbs.db", "x.yaml"):
        (tmp_path / name).write_text("no sound at all, but text")
    assert {clip.name for clip in any_folder(tmp_path, CLASSES).clips} == {
        "dog/1.wav",
        "rain/1.wav",
    }
    for kind in ("folder", "recordings"):
        data = open_data_set(kind, tmp_path)
        assert len(data.clips) == 2
        assert data.classes == ("dog", "rain")


def test_whatever_can_be_read_is_a_clip(tmp_path: Path, wav: bytes) -> None:
    _tree(tmp_path, wav, "dog/a.WAV", "dog/b", "dog/c.R08", "dog/d.m4a")
    found = any_folder(tmp_path, CLASSES).clips
    assert {clip.name for clip in found} == {"dog/a.WAV", "dog/b", "dog/c.R08", "dog/d.m4a"}
    for clip in found:
        assert len(load_clip(clip, AudioConfig(sample_rate=16000))) == 2000


def test_training_finds_classes_one_level_down(tmp_path: Path, wav: bytes) -> None:
    nested = ("train/dog/1.wav", "train/rain/2.wav")
    for root in (tmp_path / "a", tmp_path / "b" / "top"):
        _tree(root, wav, *nested)
        assert open_data_set("folder", tmp_path / root.relative_to(tmp_path).parts[0]).classes == (
            "dog",
            "rain",
        )
    _tree(tmp_path / "c", wav, "dog/site1/1.wav", "dog/site2/2.wav", "rain/site1/3.wav")
    assert open_data_set("folder", tmp_path / "c").classes == ("dog", "rain")
    _tree(tmp_path / "d", wav, "train/dog/1.wav", "test/dog/2.wav", "test/rain/3.wav")
    assert open_data_set("folder", tmp_path / "d").classes == ("dog", "rain")


def _esc50(root: Path, wav: bytes, table: str | bytes) -> Path:
    _tree(root, wav, "audio/1-1-A-0.wav", "audio/2-2-A-10.wav")
    (root / "meta").mkdir()
    content = table if isinstance(table, bytes) else table.encode()
    (root / "meta" / "esc50.csv").write_bytes(content)
    return root


ROWS = ["1-1-A-0.wav,1,0,dog,True,1,A", "2-2-A-10.wav,2,10,rain,True,2,A"]
PLAIN = "\n".join([HEADER, *ROWS]) + "\n"
SAVED = {
    "plain": PLAIN,
    "mark": "\ufeff" + PLAIN,
    "semicolons": PLAIN.replace(",", ";"),
    "tabs, lines of Windows": PLAIN.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
    "sep=": "sep=;\n" + PLAIN.replace(",", ";"),
    "Latin": PLAIN.replace(",A\n", ",\xe4\n").encode("cp1252"),
    "decimals": PLAIN.replace(",1,0,", ",1.0,0.0,").replace(",2,10,", ",2.00,10.0,"),
    "twice": PLAIN + ROWS[0] + "\n",
    "empty lines": PLAIN + "\n,,,,,,\n\n",
    "quotes": "\n".join(",".join(f'"{v}"' for v in line.split(",")) for line in [HEADER, *ROWS]),
    "spaces": PLAIN.replace(",", " , "),
}


@pytest.mark.parametrize("saved", SAVED)
def test_a_table_that_a_spreadsheet_saved_is_read(saved: str, tmp_path: Path, wav: bytes) -> None:
    root = _esc50(tmp_path / "set", wav, SAVED[saved])
    for folder in (root, tmp_path, root / "audio"):
        data = any_folder(folder, CLASSES)
        assert [(c.name, c.label, c.fold, c.source) for c in data.clips] == [
            ("1-1-A-0", "dog", 1, "1"),
            ("2-2-A-10", "rain", 2, "2"),
        ]
        assert all(clip.path and clip.path.is_file() for clip in data.clips)
    assert open_data_set("esc50", tmp_path).classes == ("dog", "rain")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("../x.wav,1,0,dog,True,1,A", r"line 2: the path '../x.wav' leads out of the data set"),
        ("/etc/x.wav,1,0,dog,True,1,A", "leads out of the data set"),
        (r"..\x.wav,1,0,dog,True,1,A", "leads out of the data set"),
        ("C:/x.wav,1,0,dog,True,1,A", "leads out of the data set"),
        ("a/../../x.wav,1,0,dog,True,1,A", "leads out of the data set"),
        (
            f"{ROWS[0]}\n1-1-A-0.wav,2,0,dog,True,1,A",
            "line 3: 1-1-A-0.wav stands in an earlier row",
        ),
    ],
)
def test_a_table_that_leads_astray_is_refused(
    row: str, sentence: str, tmp_path: Path, wav: bytes
) -> None:
    with pytest.raises(ValueError, match=sentence):
        any_folder(_esc50(tmp_path, wav, f"{HEADER}\n{row}\n"), CLASSES)


def test_several_data_sets_are_named(tmp_path: Path, wav: bytes) -> None:
    for name in ("a", "b"):
        _esc50(tmp_path / name, wav, PLAIN)
    with pytest.raises(ValueError, match=r"holds several data sets; give the folder of one: .*/a"):
        any_folder(tmp_path, CLASSES)
    with pytest.raises(ValueError, match="several data sets"):
        open_data_set("esc50", tmp_path)


def test_a_zip_keeps_its_tree_and_its_table(tmp_path: Path, wav: bytes) -> None:
    source = _esc50(tmp_path / "in" / "ESC-50-master", wav, PLAIN)
    _tree(source, wav, "audio/._1-1-A-0.wav", "__MACOSX/x.wav")
    packed = shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "in")
    (tmp_path / "out").mkdir()
    assert archives.unpack_audio(Path(packed), tmp_path / "out", parts=archives.WHOLE) == 2
    assert _labels(tmp_path / "out") == {"1-1-A-0.wav": "dog", "2-2-A-10.wav": "rain"}


@pytest.mark.parametrize(
    "name",
    ["12:30 Käfer.wav", "x" * 250 + ".wav", "a\nb.wav", "日本" * 60 + ".flac", "%s{0}'\".wav"],
)
def test_a_zip_survives_any_name(name: str, tmp_path: Path, wav: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"dog/{name}", wav)
    assert archives.unpack_audio(buffer, tmp_path, parts=archives.WHOLE) == 1
    (clip,) = any_folder(tmp_path, CLASSES).clips
    assert clip.label == "dog"
    assert "\n" not in clip.name
