"""The store's one promise, on every kind of storage: whole, once, for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.errors import StoreError, UsageError
from lab.history.log import Log
from lab.history.store import Store, TakenError


def test_what_is_created_is_read_back_and_never_changes(store: Store) -> None:
    store.create("a/one", b"1")
    store.create("a/one", b"1")
    with pytest.raises(TakenError, match="a/one is in .* already and differs"):
        store.create("a/one", b"2")
    assert store.read("a/one") == b"1"
    assert store.keys("a") == ["a/one"]
    assert store.keys("nothing") == []


def test_a_document_that_is_not_there_is_one_sentence(store: Store) -> None:
    with pytest.raises(StoreError, match="a/two is not in .*: restore it"):
        store.read("a/two")


def test_what_came_from_afar_is_kept(s3_url: str, tmp_path: Path) -> None:
    far = Store.make(s3_url, cache=tmp_path / "far")
    far.create("a/one", b"1")
    far.read("a/one")
    far.filesystem.rm(far.root + "/a/one")
    assert far.read("a/one") == b"1"
    assert far.keys("a") == []


def test_of_many_writers_one_wins(url: str, tmp_path: Path) -> None:
    stores = [Store.make(url, cache=tmp_path / str(number)) for number in range(8)]
    assert len({store.cache.name for store in stores}) == 1

    def write(number: int) -> bool:
        try:
            stores[number].create("name", str(number).encode())
        except TakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))
    assert won.count(True) == 1
    assert {store.read("name") for store in stores} == {str(won.index(True)).encode()}


def test_no_event_of_concurrent_writers_is_lost_or_written_twice(url: str, tmp_path: Path) -> None:
    def write(number: int) -> None:
        log = Log(Store.make(url, cache=tmp_path / str(number)), "log")
        for _ in range(4):
            log.append(lambda seen: [{"writer": number, "seen": len(seen)}])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    events = Log(Store.find(url, tmp_path / "reader"), "log").events()
    assert sorted(event["writer"] for event in events) == sorted([*range(4)] * 4)
    # Every decision was made on all that was there.
    assert [event["seen"] for event in events] == list(range(16))


def test_a_log_says_nothing_for_an_empty_decision_and_misses_what_is_gone(store: Store) -> None:
    log = Log(store, "log")
    assert log.append(lambda _: []) == []
    log.append(lambda _: [{"n": 0}, {"n": 1}])
    log.append(lambda _: [{"n": 2}])
    assert [event["n"] for event in log.events()] == [0, 1, 2]
    store.filesystem.rm(f"{store.root}/log/00000000.json")
    with pytest.raises(StoreError, match="log/00000000.json is not in"):
        log.events()


def test_made_up_nights_and_measured_ones_do_not_mix(url: str) -> None:
    Store.make(url)
    with pytest.raises(UsageError, match="holds measured nights and these are synthetic"):
        Store.make(url, "synthetic")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nosuch://somewhere", "is no store the lab can open"),
        ("memory://nowhere", "there is no store at memory://nowhere: `kvmlab nightly` makes one"),
    ],
)
def test_no_store_is_one_sentence(address: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Store.find(address)


@pytest.mark.usefixtures("s3_url")
def test_a_storage_that_refuses_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the store s3://no-such-bucket/x does not answer"):
        Store.make("s3://no-such-bucket/x")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="does not answer as it should"):
        Store.make(str(tmp_path / "file" / "store"))


def test_no_password_is_shown() -> None:
    with pytest.raises(UsageError) as caught:
        Store.find("nosuch://user:hunter2@host/store")
    assert "hunter2" not in str(caught.value)
    assert "host" in str(caught.value)
