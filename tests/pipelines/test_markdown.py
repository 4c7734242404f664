"""Tables as Markdown."""

import pytest

from pipelines.tables.markdown import made_by, markdown_table


@pytest.mark.parametrize("rows", [[], [["dog", "0.5"], ["rain", ""]]])
def test_a_table_has_as_many_cells_in_every_line(rows: list[list[str]]) -> None:
    lines = markdown_table(["class", "mean \\|L\\|"], rows).splitlines()
    assert lines[:2] == ["| class | mean \\|L\\| |", "|---|---|"]
    assert [line.strip("| ").split(" | ")[0] for line in lines[2:]] == [row[0] for row in rows]
    assert all(line.replace("\\|", "").count("|") == 3 for line in lines)


def test_what_made_figures_is_told_once_for_all_blocks_alike() -> None:
    made = {"command": "python -m x", "seed": 3, "date": "2026-01-02", "hardware": "an abacus"}
    first = "`python -m x`, seed 3, 2026-01-02, an abacus"
    assert made_by([made, {**made, "clips": 5}]) == f"Made by {first}."
    seedless = {k: v for k, v in made.items() if k != "seed"}
    other = "`python -m x`, 2026-01-02, an abacus"
    assert made_by([made, seedless]) == f"Made by {first}; {other}."
    assert made_by([{"seed": 3}, {"command": ""}]) == ""
