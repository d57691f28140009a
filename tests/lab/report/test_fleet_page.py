"""The fleet of made-up hosts: who stands beside whom, and how it looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lab.history.runs import published
from lab.history.store import Store
from lab.report.site import Site
from lab.report.site.fleet import fleet, latest
from tests import synthetic
from tests.lab.history import nights
from tests.lab.report.visit import IN_EVERY_WINDOW, Visit

ARCHITECTURES = {"epyc": "x86_64", "z16": "s390x", "power": "ppc64le", "emu": "aarch64"}
HARDWARE = dict.fromkeys(("epyc", "z16", "power"), "hardware")
EMULATED = dict.fromkeys(("emu", "emu2"), "emulated")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three nights: the second lacks a host, the last has only one that is alone in its class."""
    folder = tmp_path_factory.mktemp("fleet")
    store = Store.make(str(folder / "store"), "synthetic", folder / "cache")
    for number, hosts in enumerate(
        (HARDWARE | EMULATED, HARDWARE, {"lone": "nested"}),
    ):
        nights.add(
            store,
            folder,
            number,
            hosts=hosts,
            architectures={name: ARCHITECTURES.get(name, "aarch64") for name in hosts},
            settings=[{synthetic.KNOB: ceiling} for ceiling in (0, 50_000, 200_000)],
            workloads=[synthetic.FIXED_30US, synthetic.FIXED_150US],
            blocks=6,
        )
    return store


@pytest.fixture(scope="module")
def site(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Site.of(store).write(tmp_path_factory.mktemp("pages")).parent


@pytest.fixture(scope="module")
def page(site: Path) -> Path:
    (found,) = site.glob("fleet-*.html")
    return found


def test_each_host_stands_as_its_last_night_found_it(store: Store) -> None:
    ((experiment, last),) = latest(published(store)).items()
    found = fleet(store, experiment, last)
    nights_of = {each.host: each.night for each in found.members}
    assert nights_of == {
        **dict.fromkeys(EMULATED, nights.name(0)),
        **dict.fromkeys(HARDWARE, nights.name(1)),
        "lone": nights.name(2),
    }
    for group in found.groups:
        seen = {
            host
            for each in group.comparable.across
            for effect in each.effects
            for host in effect.hosts
        }
        assert seen == set(HARDWARE if group.comparable.clock_class == "hardware" else EMULATED)
    assert [each.host for each in found.alone] == ["lone"]


def test_the_page_keeps_clock_classes_apart(page: Path) -> None:
    text = page.read_text()
    titles = re.findall(r'class="hostname" id="[^"]+">Across hosts <span class="badge (\w+)', text)
    assert sorted(titles) == ["emulated", "hardware"]
    for title in (
        "Does a knob do the same everywhere?",
        "Effects side by side",
        "What latency costs, on every host",
    ):
        assert text.count(f"<h3>{title}") == 2
    assert "Alone under their clock class, and so beside nothing: lone." in text


def test_every_page_leads_to_it(site: Path, page: Path) -> None:
    for name in ("index.html", *(path.name for path in site.glob("host-*"))):
        assert f'href="{page.name}"' in (site / name).read_text()
    for link in re.findall(r'href="([^"#:]+)"', page.read_text()):
        assert (site / link).exists()


def test_one_host_alone_has_no_fleet(tmp_path: Path) -> None:
    store = Store.make(str(tmp_path / "store"), "synthetic", tmp_path / "cache")
    nights.add(store, tmp_path, 0)
    assert latest(published(store)) == {}


@pytest.mark.needs("browser")
@IN_EVERY_WINDOW
def test_it_is_drawn_from_a_folder_without_errors_or_overflow(
    browser: Browser, page: Path, scheme: str, width: int
) -> None:
    visit = Visit(browser, page.as_uri(), scheme, width)
    assert visit.number(".plot") > 6
    visit.assert_sound()
    visit.page.close()
