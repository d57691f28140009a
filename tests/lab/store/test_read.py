from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lab.errors import StoreError, UsageError
from lab.store.read import Run, find_run, read_run, runs


def lines_of(path: Path) -> list[str]:
    with gzip.open(path, "rt") as file:
        return file.readlines()


def rewrite(path: Path, lines: list[str]) -> None:
    with gzip.open(path, "wt") as file:
        file.writelines(lines)


@pytest.fixture
def rows_path(spoilt: Path) -> Path:
    return spoilt / "synthetic.jsonl.gz"


def test_a_run_is_read_whole(run: Run) -> None:
    assert run.name == "20260101-000000-synthetic"
    assert len(run.rows["synthetic"]) == len(run.plan["hosts"]["synthetic"])
    assert [row["trial"] for row in run.rows["synthetic"]] == list(
        range(len(run.rows["synthetic"]))
    )
    assert run.facts("synthetic")["architecture"] == "x86_64"


def test_a_broken_line_is_named_with_what_mends_it(rows_path: Path) -> None:
    lines = lines_of(rows_path)
    lines[4] = lines[4][:100] + "\n"
    rewrite(rows_path, lines)
    with pytest.raises(StoreError) as error:
        read_run(rows_path.parent)
    assert f"{rows_path} line 5 is broken at column " in str(error.value)
    assert f"remove it, and `kvmlab run --resume {rows_path.parent.name}`" in str(error.value)


def test_without_the_broken_line_the_rest_is_read(rows_path: Path) -> None:
    lines = lines_of(rows_path)
    rewrite(rows_path, lines[:4] + lines[5:])
    assert len(read_run(rows_path.parent).rows["synthetic"]) == len(lines) - 1


def test_a_truncated_file_is_named(rows_path: Path) -> None:
    whole = rows_path.read_bytes()
    rows_path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match=r"jsonl.gz is cut off or damaged after line \d+ .*remove"):
        read_run(rows_path.parent)


def test_an_empty_file_is_named(rows_path: Path) -> None:
    rows_path.write_bytes(b"")
    with pytest.raises(StoreError, match="is empty: remove it"):
        read_run(rows_path.parent)


def test_what_is_no_gzip_is_named(rows_path: Path) -> None:
    rows_path.write_text("{}")
    with pytest.raises(StoreError, match="is cut off or damaged after line 0"):
        read_run(rows_path.parent)


def test_an_unknown_schema_is_refused(rows_path: Path) -> None:
    lines = lines_of(rows_path)
    lines[1] = json.dumps(json.loads(lines[1]) | {"schema": 7}) + "\n"
    rewrite(rows_path, lines)
    with pytest.raises(StoreError, match="line 2 has schema 7 and this kvmlab reads 1"):
        read_run(rows_path.parent)


def test_a_line_that_is_no_trial_is_refused(rows_path: Path) -> None:
    rewrite(rows_path, ['{"schema": 1, "trial": 0}\n'])
    with pytest.raises(StoreError, match="line 1 lacks block, setting, status, warmup, workload"):
        read_run(rows_path.parent)
    rewrite(rows_path, ["[]\n"])
    with pytest.raises(StoreError, match="line 1 is no JSON object"):
        read_run(rows_path.parent)


def test_a_trial_that_is_there_twice_is_refused(rows_path: Path) -> None:
    lines = lines_of(rows_path)
    rewrite(rows_path, [*lines, lines[3]])
    with pytest.raises(StoreError, match=rf"has trial 3 twice, in lines 4 and {len(lines) + 1}"):
        read_run(rows_path.parent)


def test_a_complete_host_must_have_its_file(rows_path: Path) -> None:
    rows_path.unlink()
    with pytest.raises(
        StoreError, match="is missing, though manifest.json calls synthetic complete"
    ):
        read_run(rows_path.parent)


@pytest.mark.parametrize("state", ["planned", "running", "unreachable", "unsupported", "failed"])
def test_a_host_that_did_not_finish_may_have_none(rows_path: Path, state: str) -> None:
    manifest = json.loads((rows_path.parent / "manifest.json").read_text())
    manifest["hosts"]["synthetic"] |= {"state": state, "facts": None}
    (rows_path.parent / "manifest.json").write_text(json.dumps(manifest))
    rows_path.unlink()
    run = read_run(rows_path.parent)
    assert run.rows["synthetic"] == ()
    assert run.facts("synthetic") == {}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", r"manifest.json is broken \(.*\): restore it"),
        ('{"schema": 2}', r"manifest.json has schema 2 and this kvmlab reads 1"),
        ('{"schema": 1, "run": "x", "hosts": {}}', r"manifest.json has no 'state'"),
    ],
)
def test_a_bad_manifest_is_named(spoilt: Path, content: str, complaint: str) -> None:
    (spoilt / "manifest.json").write_text(content)
    with pytest.raises(StoreError, match=complaint):
        read_run(spoilt)


def test_a_missing_plan_is_named(spoilt: Path) -> None:
    (spoilt / "plan.json").unlink()
    with pytest.raises(StoreError, match=r"plan.json is missing and the run cannot be read"):
        read_run(spoilt)


def test_runs_are_found_by_name_and_by_path(spoilt: Path) -> None:
    store = spoilt.parent
    assert find_run(spoilt.name, store) == find_run(spoilt) == spoilt
    (store / ".20260303-000000-x.17.tmp").mkdir()
    (store / ".20260303-000000-x.17.tmp" / "manifest.json").write_text("{}")
    (store / "notes").mkdir()
    assert runs(store) == [spoilt]
    with pytest.raises(UsageError, match="no run 'nope'"):
        find_run("nope", store)
    with pytest.raises(UsageError, match="it has no runs, `kvmlab run` makes one"):
        find_run("nope", store / "elsewhere")
