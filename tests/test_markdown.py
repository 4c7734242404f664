"""Tables as Markdown."""

from __future__ import annotations

import pytest

from pipelines.markdown import markdown_table


@pytest.mark.parametrize("rows", [[], [["dog", "0.5"], ["rain", ""]]])
def test_a_table_has_as_many_cells_in_every_line(rows: list[list[str]]) -> None:
    lines = markdown_table(["class", "mean \\|L\\|"], rows).splitlines()
    assert lines[:2] == ["| class | mean \\|L\\| |", "|---|---|"]
    assert [line.strip("| ").split(" | ")[0] for line in lines[2:]] == [row[0] for row in rows]
    assert all(line.replace("\\|", "").count("|") == 3 for line in lines)
