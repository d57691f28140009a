"""The rows of an answer for a terminal, for a page in Markdown and for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from lab.labels import MINUS, NONE, change, clock, quantity, setting_of, short_labels
from lab.stats import Estimate
from lab.stats.architectures import Agreement
from lab.terminal.run import COLOURS as OF_VERDICTS
from lab.terminal.run import HEADINGS, MDE, NOISE, OF_MDE, OF_NOISE, PLAIN, warned
from lab.versus.model import Answer, Method, Row

NOTHING = "~"
LEGEND = f"~ nothing shown; 95 % interval of the change in %; {MDE}: {OF_MDE}; {NOISE}: {OF_NOISE}"
WIDE = 100
COLUMNS = ("setting", "metric", "first", "second", "change", "interval", "verdict", "n", MDE)
COLOURS = {str(verdict): colour for verdict, colour in OF_VERDICTS.items()} | {
    str(Agreement.DIFFERENT): "magenta"
}
RIGHT = {"first", "second", "change", "interval", "n", MDE, NOISE}


def table(answer: Answer, width: int = 80) -> Group:
    """Show rows by host and workload; from 100 columns on with the noise floor, where it is known.

    It fits into 80 columns.
    """
    names = _names(answer.rows)
    columns = _columns(answer.rows) if width >= WIDE else COLUMNS
    parts: list[Text | Table] = [Text(answer.title, style="bold")]
    for where, of_host in groupby(answer.rows, lambda row: (row.where, row.clock_class)):
        parts.append(Text(f"\n{where[0]} ({clock(where[1])})", style="bold"))
        for workload, rows in groupby(of_host, lambda row: row.workload):
            parts += [Text(f"\n{workload}", style="bold"), _rows(list(rows), names, columns)]
    parts += [Text(line, style="dim") for line in ("", LEGEND, *_why(answer.rows))]
    return Group(*parts, *(Text(remark, style="dim") for remark in answer.remarks))


def markdown(answer: Answer) -> str:
    """Return rows as one Markdown table, with what to know of them below."""
    names = _names(answer.rows)
    columns = _columns(answer.rows)
    headings = ("where", "clock", "workload", *columns)
    lines = [f"**{answer.title}**", "", _line(headings)]
    lines.append(_line("--:" if each in RIGHT else "---" for each in headings))
    lines += [
        _line((row.where, row.clock_class, row.workload, *_cells(row, names)[: len(columns)]))
        for row in answer.rows
    ]
    notes = [LEGEND, *_why(answer.rows), *answer.remarks]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)]) + "\n"


def comma_separated(records: Sequence[Mapping[str, Any]]) -> str:
    """Return records as CSV with a heading; what is not a plain value is JSON in its field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]) if records else [], lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({key: _field(value) for key, value in record.items()})
    return text.getvalue()


def _field(value: object) -> object:
    return json.dumps(value) if isinstance(value, (dict, list, tuple)) else value


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _columns(rows: Sequence[Row]) -> tuple[str, ...]:
    return (*COLUMNS, NOISE) if any(row.noise_floor for row in rows) else COLUMNS


def _rows(rows: Sequence[Row], names: Mapping[str, str], columns: Sequence[str]) -> Table:
    shown = Table(**PLAIN, padding=(0, 1, 0, 0))
    for name in columns:
        shown.add_column(name, justify="right" if name in RIGHT else "left", no_wrap=True)
    for row in rows:
        shown.add_row(*_cells(row, names)[: len(columns)], style=COLOURS.get(row.verdict, ""))
    return shown


def _cells(row: Row, names: Mapping[str, str]) -> tuple[str, ...]:
    span = f"{_percent(row.low)},{_percent(row.high)}" if row.low and row.high else NONE
    n = str(row.n_second) if row.n_first == row.n_second else f"{row.n_first}/{row.n_second}"
    return (
        names[row.setting],
        HEADINGS.get(row.metric, row.metric),
        _value(row.first, row),
        _value(row.second, row),
        change(row.ratio) if row.is_shown else NOTHING,
        span,
        row.verdict,
        n,
        change(row.detectable),
        change(row.noise_floor),
    )


def _value(estimate: Estimate | None, row: Row) -> str:
    if estimate is None:
        return NONE
    if row.method in {Method.EFFECTS, Method.SIDE_BY_SIDE}:
        return change(estimate.value)
    return quantity(estimate.value, row.unit)


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f}".replace("-", MINUS)


def _why(rows: Sequence[Row]) -> list[str]:
    """Say once why rows have no ratio, and what there is to doubt."""
    why = [f"{row.verdict}: {row.reason}" for row in rows if row.ratio is None]
    return [*dict.fromkeys(why), *warned(rows)]


def _names(rows: Sequence[Row]) -> dict[str, str]:
    """Short names of settings; the references count, or one setting alone would have no name."""
    labels = {label for row in rows for label in (row.setting, row.reference)}
    return short_labels(setting_of(label) for label in sorted(labels))
