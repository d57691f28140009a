"""Why a function cannot be probed, by what the kernel shows of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent import symbols


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "kprobes").mkdir()
    (tmp_path / "kprobes" / "blacklist").write_text("0xc00-0xc10\tblacklisted\n")
    (tmp_path / "available_filter_functions").write_text("good\nmodular [kvm]\n")
    (tmp_path / "enabled_functions").write_text("modular [kvm] (1) R \tD \n\tdirect-->t+0x0/0x1\n")
    (tmp_path / "kallsyms").write_text(
        "c00 T blacklisted\nc10 t good\nc20 t modular\t[kvm]\nc30 T assembly\nc40 D data\n"
    )
    monkeypatch.setattr(symbols, "DEBUGFS", tmp_path)
    monkeypatch.setattr(symbols, "TRACEFS", tmp_path)
    monkeypatch.setattr(symbols, "KALLSYMS", tmp_path / "kallsyms")
    monkeypatch.setattr(symbols, "KPROBES", (tmp_path / "kprobes",))
    return tmp_path


@pytest.mark.usefixtures("kernel")
def test_functions_and_their_modules() -> None:
    known = symbols.functions()
    assert known == {
        "blacklisted": "vmlinux",
        "good": "vmlinux",
        "modular": "kvm",
        "assembly": "vmlinux",
    }
    assert "modular" in symbols.traced()


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("inlined", "it is inlined"),
        ("data", "it is inlined"),
        ("blacklisted", "blacklists blacklisted"),
        ("assembly", "not traceable"),
        ("good", "refuses a probe"),
    ],
)
def test_the_reason_is_what_the_kernel_shows(name: str, because: str) -> None:
    assert because in symbols.why_not(name, symbols.functions())


def test_a_kernel_without_kprobes(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbols, "KPROBES", (kernel / "nothing",))
    assert "CONFIG_KPROBES" in symbols.why_not("good", symbols.functions())
