from __future__ import annotations

from pathlib import Path

import pytest
from agent import headers
from agent.errors import UnsupportedError


def package(sources: Path, name: str, *files: str) -> None:
    for file in files:
        path = sources / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}/{file}")


def test_no_headers_at_all_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "KHEADERS", tmp_path / "none")
    with pytest.raises(UnsupportedError, match="no kernel headers.*provision this host"):
        headers.provide(tmp_path, tmp_path / "src", tmp_path / "modules")


def test_the_two_halves_of_the_newest_package_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "KHEADERS", tmp_path / "none")
    sources = tmp_path / "src"
    for version in ("6.1.0-9", "6.1.0-56"):
        stem = f"linux-headers-{version}"
        package(sources, f"{stem}-amd64", "include/generated/autoconf.h", "include/both.h")
        package(sources, f"{stem}-common", "include/linux/types.h", "include/both.h")
    home = tmp_path / "home"
    monkeypatch.setenv("BCC_KERNEL_SOURCE", "")
    assert "6.1.0-56-amd64" in headers.provide(home, sources, tmp_path / "modules")
    merged = home / "headers" / "linux-headers-6.1.0-56-amd64" / "include"
    assert (merged / "linux/types.h").read_text().endswith("common/include/linux/types.h")
    assert (merged / "both.h").read_text().startswith("linux-headers-6.1.0-56-amd64")


def test_a_half_without_its_other_half_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "KHEADERS", tmp_path / "none")
    package(tmp_path / "src", "linux-headers-6.1.0-56-amd64", "include/generated/autoconf.h")
    with pytest.raises(UnsupportedError, match="no kernel headers"):
        headers.provide(tmp_path, tmp_path / "src", tmp_path / "modules")
