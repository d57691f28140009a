"""The pages of a store, made when they are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from plotly.offline import get_plotlyjs

from lab.alerts.words import subject, title, unit_of
from lab.errors import UsageError
from lab.facts import facts
from lab.history.series import Series
from lab.history.store import Store
from lab.labels import change, clock, quantity, span
from lab.nightly.judge import points
from lab.nightly.model import Criteria
from lab.report import alert as alert_page
from lab.report import trend
from lab.report.material import Multiple, Picture
from lab.report.site.fleet import fleet
from lab.report.site.view import Cell, View, page
from lab.report.templates import templates
from lab.stats.compare import MARGIN
from lab.store.folder import write_atomic

PLOTLY = "plotly.min.js"
INDEX = "index.html"
OURS = re.compile(r"(host|trend|alert|fleet)-.+-[0-9a-f]{8}\.html|\..+\.(html|js)\.\d+\.tmp")
"""Names of pages (`view.page`), and of what `write_atomic` leaves when it is killed."""
SHOWN = 14
"""Nights whose sentences are on the overview."""


@dataclass(frozen=True)
class Site:
    """The pages of a store as it was when the first was made, by the names of their files."""

    view: View

    @classmethod
    def of(cls, store: Store, criteria: Criteria | None = None) -> Site:
        """Show a store judged by `criteria`, without any by those of its last night."""
        return cls(View(store, criteria))

    @cached_property
    def pages(self) -> Mapping[str, Callable[[], str]]:
        """What makes each page. Names are flat: nothing else can be asked for."""
        view = self.view
        return {
            INDEX: self._overview,
            PLOTLY: get_plotlyjs,
            **{page("host", name): partial(self._host, name) for name in view.facts},
            **{page("fleet", name): partial(self._fleet, name) for name in view.fleets},
            **{cell.page: partial(self._trend, cell) for cell in view.cells},
            **{
                page("alert", name): partial(alert_page.render, each, plotly=PLOTLY)
                for name, each in view.book.alerts.items()
            },
        }

    def write(self, folder: Path) -> Path:
        """Write all pages into `folder`; return the first to read.

        Each page is there whole or as it was, and the overview only with all that it leads to.
        Pages that an earlier time left, or began, are removed; nothing else in `folder` is touched.
        Raises StoreError from a full disk, UsageError for a folder that cannot be.
        """
        ready(folder)
        for name in sorted(self.pages, key=INDEX.__eq__):
            content = self.pages[name]().encode()
            file = folder / name
            if not file.is_file() or file.read_bytes() != content:
                write_atomic(file, content)
        for file in folder.iterdir():
            if OURS.fullmatch(file.name) and file.name not in self.pages:
                file.unlink()
        return folder / INDEX

    def _overview(self) -> str:
        return self._rendered("overview.html.j2", [], verdicts=self.view.verdicts[:SHOWN])

    def _host(self, name: str) -> str:
        view = self.view
        return self._rendered(
            "host.html.j2",
            [],
            host=name,
            clock_class=view.facts[name].get("clock_class") or "unknown",
            facts=facts(view.facts[name]),
            cells=[each for each in view.cells if each.host == name],
            moved=[each for each in view.moved if each.key.host == name],
            alerts=view.alerts_of(name),
            breaks=[each for each in view.breaks if each.host in {None, name}],
        )

    def _fleet(self, name: str) -> str:
        found = fleet(self.view.store, name, self.view.fleets[name])
        return self._rendered("fleet.html.j2", [], fleet=found)

    def _trend(self, cell: Cell) -> str:
        mine = [each for key, each in self.view.history.series.items() if Cell.of(key) == cell]
        metrics = dict.fromkeys(each.key.metric for each in mine)
        return self._rendered(
            "trend.html.j2",
            [_picture(name, list(self._drawn(mine, name))) for name in metrics],
            cell=cell,
            breaks={each.id: each for one in mine for each in one.breaks}.values(),
            alerts={a.id: a for one in mine for a, _ in self.view.alerts_on(one.key)}.values(),
        )

    def _drawn(self, mine: list[Series], metric: str) -> Iterator[Multiple]:
        for one in mine:
            if one.key.metric == metric:
                judgement = self.view.judged.get(one.key)
                found = judgement.finding if judgement else None
                yield Multiple(
                    trend.draw(
                        points(one),
                        f"<b>{one.key.setting}</b><br>{clock(one.key.clock_class)}",
                        unit_of(metric),
                        trend.Moved.of(found) if found else None,
                        list(self._marks(one)),
                    ),
                    f"{subject(metric)} night after night, {one.key.setting}",
                )

    def _marks(self, one: Series) -> Iterator[trend.Mark]:
        first = points(one)[0].night
        for each in one.breaks:
            if each.restarts and (night := each.night or each.since[:10]) >= first:
                yield trend.Mark(night, each.text, is_alert=False)
        for alert, since in self.view.alerts_on(one.key):
            if since >= first:
                yield trend.Mark(since, title(alert), is_alert=True)

    def _rendered(self, template: str, pictures: list[Picture], **more: object) -> str:
        environment = templates(plotly=PLOTLY)
        environment.globals |= {
            "change": change,
            "margin": MARGIN,
            "quantity": quantity,
            "span": span,
            "subject": subject,
            "title": title,
            "page": page,
            "cell_of": Cell.of,
        }
        return environment.get_template(template).render(view=self.view, pictures=pictures, **more)


def ready(folder: Path) -> None:
    """Make a folder for pages; UsageError where there can be none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made ({error.strerror}): give the pages another folder"
        ) from error


def _picture(metric: str, drawn: list[Multiple]) -> Picture:
    return Picture(
        title=subject(metric)[:1].upper() + subject(metric)[1:],
        caption="Each point is a night: the median of its trials with its 95 % interval, one panel "
        "for each setting.",
        legend=(*trend.LEGEND, *trend.MARKS),
        multiples=tuple(drawn),
    )
