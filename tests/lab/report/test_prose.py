from __future__ import annotations

from pathlib import Path

from lab.report.prose import Block, analysis, blocks, marked


def test_paragraphs_and_lists() -> None:
    text = """
    What does
    it buy?

    - first item,
      on two lines
    - second
    """
    assert blocks(text) == [
        Block("paragraph", ("What does it buy?",)),
        Block("list", ("first item, on two lines", "second")),
    ]
    assert blocks("") == []


def test_a_paragraph_before_a_list_without_an_empty_line() -> None:
    assert blocks("Look for:\n- a\n- b") == [
        Block("paragraph", ("Look for:",)),
        Block("list", ("a", "b")),
    ]


def test_an_experiment_that_cannot_be_read_has_no_analysis(tmp_path: Path) -> None:
    assert analysis(tmp_path) == []
    (tmp_path / "experiment.toml").write_text("analysis = ")
    assert analysis(tmp_path) == []


def test_backticks_mark_code_and_nothing_escapes() -> None:
    assert marked("set `a<b` & `c`") == "set <code>a&lt;b</code> &amp; <code>c</code>"
    assert marked("a lone ` stays") == "a lone ` stays"
