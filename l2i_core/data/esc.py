"""ESC-10 and ESC-50 as published (Piczak 2015)."""

from __future__ import annotations

from pathlib import Path

from l2i_core.data.clips import Clip, DataSet, sounds
from l2i_core.data.sets import KINDS, Kind
from l2i_core.data.spreadsheet import Table, inside

TABLE = Path("meta", "esc50.csv")
_NEEDED = ("filename", "fold", "target", "category", "src_file")

# ESC-10's folder names → the class names that ESC-50 uses.
ESC10_FOLDERS = {
    "Dog bark": "dog",
    "Rain": "rain",
    "Sea waves": "sea_waves",
    "Baby cry": "crying_baby",
    "Clock tick": "clock_tick",
    "Person sneeze": "sneezing",
    "Helicopter": "helicopter",
    "Chainsaw": "chainsaw",
    "Rooster": "rooster",
    "Fire crackling": "crackling_fire",
}


def esc10(root: Path) -> DataSet:
    """ESC-10 as published: `NNN - Class/fold-freesoundID-take.ogg`."""
    clips, classes = [], []
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and " - " in p.name):
        label = ESC10_FOLDERS.get(folder.name.split(" - ", 1)[1])
        if label is None:
            continue
        classes.append(label)
        for path in sounds(folder):
            parts = path.stem.split("-")
            if len(parts) < 3 or not parts[0].isdigit():
                raise ValueError(f"{path.name} is not named fold-freesoundID-take as in ESC-10.")
            clips.append(Clip(path.stem, label, int(parts[0]), parts[1], path))
    if not clips:
        raise ValueError(f"{root} is not laid out as ESC-10 (folders such as '001 - Dog bark').")
    return DataSet("ESC-10", tuple(classes), tuple(clips))


def esc50(root: Path) -> DataSet:
    """ESC-50's layout: `meta/esc50.csv` and `audio/`; the csv, which may have been saved by a
    spreadsheet, names the files. Lines that stand there twice count once."""
    path = root / TABLE
    if not path.is_file():
        raise ValueError(f"{root} is not laid out as ESC-50: {TABLE} is missing.")
    clips: dict[str, Clip] = {}
    names: dict[int, str] = {}
    targets: dict[str, int] = {}
    table = Table(path)
    if missing := sorted(set(_NEEDED) - set(table.names)):
        raise ValueError(f"{path.name} lacks the column {missing[0]!r}.")
    for number, row in table:
        where = f"{path.name}, line {number}"
        if empty := [column for column in _NEEDED if not row[column]]:
            given = (
                ",".join(row.values()).rstrip(",") if row[_NEEDED[0]] else ",".join(row.values())
            )
            raise ValueError(
                f"{where}: {given!r} has no {empty[0]}; give every row {', '.join(_NEEDED)}."
            )
        file = inside(root / "audio", row["filename"], where)
        try:
            fold, target = int(row["fold"]), int(row["target"])
        except ValueError as error:
            raise ValueError(
                f"{where}: fold and target of {file.name} must be whole numbers, received "
                f"{row['fold']!r} and {row['target']!r}."
            ) from error
        category = row["category"]
        names.setdefault(target, category)
        targets.setdefault(category, target)
        if (names[target], targets[category]) != (category, target):
            raise ValueError(
                f"{where}: {file.name} has target {target} and category {category!r}, an "
                "earlier row has one of them with another; give each target one category."
            )
        clip = Clip(file.stem, category, fold, row["src_file"], file)
        if clips.setdefault(row["filename"], clip) != clip:
            raise ValueError(
                f"{where}: {file.name} stands in an earlier row with another label, fold or "
                "recording; give each file one row."
            )
    if not clips:
        raise ValueError(f"{path.name} lists no clips.")
    return DataSet("ESC-50", tuple(names[t] for t in sorted(names)), tuple(clips.values()))


KINDS.add("esc10")(Kind(esc10, "ESC-10"))
KINDS.add("esc50")(Kind(esc50, "ESC-50"))
