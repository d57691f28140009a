from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab import metrics
from lab.design import experiment, workload
from lab.design.catalog import catalog
from lab.errors import UsageError
from lab.paths import EXPERIMENTS

GOOD = """
analysis = "why"
seed = 1
blocks = 2
time_budget_s = 60
[knobs]
"vm.halt_poll_ns" = [0, 1000]
[reference]
"vm.halt_poll_ns" = 0
[[workloads]]
name = "w"
guest = "halt"
count = 23
interval = { kind = "fixed", ns = 30_000 }
[[workloads]]
name = "x"
guest = "exit"
count = 23
batch = 10
"""


def load(tmp_path: Path, text: str) -> experiment.Experiment:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return experiment.load(path)


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_experiments_are_valid_and_fit_their_budget(path: Path) -> None:
    question = experiment.load(path)
    assert question.expected_s <= question.time_budget_s


def test_the_default_experiment_is_what_the_lab_promises() -> None:
    question = experiment.load(experiment.find("halt_poll"))
    assert question.knobs == {"vm.halt_poll_ns": [0, 20_000, 50_000, 200_000, 1_000_000]}
    assert question.reference == {"vm.halt_poll_ns": 200_000}
    assert question.blocks >= 5
    assert question.expected_s < 150


def test_settings_are_the_product_of_the_knobs(tmp_path: Path) -> None:
    question = load(
        tmp_path,
        GOOD.replace("[reference]", '"host.halt_poll_ns_shrink" = [0, 2]\n[reference]').replace(
            '"vm.halt_poll_ns" = 0\n', '"vm.halt_poll_ns" = 0\n"host.halt_poll_ns_shrink" = 2\n'
        ),
    )
    assert len(question.settings) == 4
    assert question.reference in question.settings


def test_without_knobs_there_is_one_setting(tmp_path: Path) -> None:
    start, end = GOOD.index("[knobs]"), GOOD.index("[[workloads]]")
    question = load(tmp_path, GOOD[:start] + GOOD[end:])
    assert question.settings == [question.reference] == [{}]
    assert question.probes == ["halts"]


@pytest.mark.parametrize("guest", sorted(metrics.EXITS))
def test_every_guest_that_leaves_in_batches_can_be_asked_for(tmp_path: Path, guest: str) -> None:
    question = load(tmp_path, GOOD.replace('guest = "exit"', f'guest = "{guest}"'))
    assert question.workloads[1].guest == guest


STOP = """
[stop]
width = 1.1
metrics = ["wakeup_p50_ns"]
min_blocks = 6
"""


def test_a_stop_is_read_and_its_first_blocks_must_fit(tmp_path: Path) -> None:
    text = GOOD.replace("blocks = 2", "blocks = 600")
    whole, staged = load(tmp_path, text), load(tmp_path, text + STOP)
    assert staged.stop is not None
    assert (staged.stop.width, staged.first_blocks) == (1.1, 6)
    assert staged.expected_s == pytest.approx(whole.expected_s / 100)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD + STOP, "stop.min_blocks: 6 are more than the 2 of `blocks`"),
        (GOOD.replace("seed", "boots = 3\nseed"), "boots: 3 groups cannot be made of 2 blocks"),
        (
            GOOD.replace("blocks = 2", "blocks = 8") + STOP.replace("wakeup_p50_ns", "joy"),
            "stop.metrics: joy is none that these workloads have: wakeup_p50_ns, ",
        ),
        (
            GOOD.replace("blocks = 2", "blocks = 8") + STOP.replace("= 6", "= 5"),
            "stop.min_blocks: input should be greater than or equal to 6",
        ),
        (
            GOOD.replace("blocks = 2", "blocks = 8") + STOP.replace("1.1", "1.0"),
            "stop.width: input should be greater than 1",
        ),
    ],
)
def test_stages_that_cannot_be_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        load(tmp_path, text)


def test_guests_are_those_of_the_catalogue() -> None:
    assert {*metrics.EXITS, *metrics.HALT} == catalog().guests.keys()


def test_the_arm_without_probes_takes_its_time(tmp_path: Path) -> None:
    with_it = load(tmp_path, GOOD)
    without = load(tmp_path, GOOD.replace("seed = 1", "seed = 1\noverhead = false"))
    assert with_it.expected_s == pytest.approx(1.5 * without.expected_s)


def test_one_at_a_time_changes_one_knob_of_the_reference(tmp_path: Path) -> None:
    question = load(
        tmp_path,
        GOOD.replace("blocks = 2", 'blocks = 2\ndesign = "one-at-a-time"')
        .replace("[reference]", '"host.halt_poll_ns_shrink" = [0, 2, 4]\n[reference]')
        .replace(
            '"vm.halt_poll_ns" = 0\n', '"vm.halt_poll_ns" = 0\n"host.halt_poll_ns_shrink" = 2\n'
        ),
    )
    assert [tuple(setting.values()) for setting in question.settings] == [
        (0, 0),
        (0, 2),
        (0, 4),
        (1000, 2),
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("seed = 1", "seeed = 1"), "mine.toml: seed: missing; add it"),
        (("seed = 1", "seed = 1\nspeed = 2"), "speed: no such key; remove it or mend its spelling"),
        (("blocks = 2", "blocks = 0"), "blocks: input should be greater than or equal to 1"),
        (("blocks = 2", 'blocks = "2"'), "blocks: input should be a valid integer"),
        (("seed = 1", "seed = 1\nprobes = []"), "probes: list should have at least 1 item"),
        (("seed = 1", 'seed = 1\nprobes = ["exits"]'), "probes.0: input should be 'halts', 'pha"),
        (
            ("seed = 1", 'seed = 1\nprobes = ["halts", "halts"]'),
            "probes: one is given twice; name each once",
        ),
        (("[0, 1000]", "[]"), "knobs.vm.halt_poll_ns: no values; give at least one"),
        (("[0, 1000]", "[0, 0]"), "a value is given twice"),
        (("[0, 1000]", "[0, -1]"), "knobs.vm.halt_poll_ns: -1 is outside 0"),
        (('"vm.halt_poll_ns" = [', '"vm.poll" = ['), "knobs.vm.poll: no such knob; there are vm."),
        (
            ('"vm.halt_poll_ns" = 0', '"vm.halt_poll_ns" = 7'),
            "reference: .*not one of the settings",
        ),
        (('kind = "fixed"', 'kind = "poisson"'), "workloads.0.interval.kind: must be 'fixed'"),
        (('guest = "halt"', 'guest = "sleep"'), "workloads.0.guest: must be 'halt'"),
        (("ns = 30_000", "us = 30"), "workloads.0.interval.ns: missing; add it"),
        (('name = "x"', 'name = "w"'), "the name w is given twice"),
        (("analysis = ", "analysis : "), "mine.toml is not TOML"),
    ],
)
def test_a_wrong_file_gets_file_key_and_remedy(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    assert change[0] in GOOD
    with pytest.raises(UsageError, match=complaint) as caught:
        load(tmp_path, GOOD.replace(*change, 1))
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_experiment_lists_the_shipped_ones() -> None:
    with pytest.raises(UsageError, match="no experiment halts: shipped are .*halt_poll"):
        experiment.find("halts")


def test_bursts_have_their_mean() -> None:
    bursty = workload.Bursty(kind="bursty", ns=10, burst=5, gap_ns=60)
    assert bursty.mean_ns == 20


NET = """
[[workloads]]
name = "n"
guest = "net_rr"
count = 23
interval = { kind = "fixed", ns = 30_000 }
link = { delay_ns = 1000, loss = 0.01 }
"""
PIPE = """
[[workloads]]
name = "p"
guest = "qemu_pipe"
count = 23
"""
DOMAIN = """
[[workloads]]
name = "v"
guest = "domain_rr"
count = 23
interval = { kind = "fixed", ns = 30_000 }
domain = "d"
address = "10.0.0.2"
port = 7
"""


def test_a_network_is_planned_with_what_it_leaves_out(tmp_path: Path) -> None:
    [*_, network] = load(tmp_path, GOOD + NET).workloads
    assert network.model_dump() == {
        "name": "n", "guest": "net_rr", "count": 23, "interval": {"kind": "fixed", "ns": 30_000},
        "vcpus": 1, "tick_ns": 4_000_000, "loop": "closed", "protocol": "udp",
        "link": {"delay_ns": 1000, "loss": 0.01},
    }  # fmt: skip


def test_keys_of_guests_are_those_of_the_catalogue(tmp_path: Path) -> None:
    stream = NET.replace("net_rr", "net_stream").replace('"n"', '"s"') + "burst = 2\n"
    disk = NET[: NET.index("link")].replace("net_rr", "disk_rr").replace('"n"', '"d"')
    linux = NET.replace("net_rr", "qemu_rr").replace('"n"', '"q"')
    loaded = load(tmp_path, GOOD + NET + stream + disk + linux + PIPE + DOMAIN).workloads
    for each in loaded:
        keys = each.model_dump().keys() - {"name", "guest"}
        assert keys == {*catalog().guests[each.guest]}


def test_processes_of_a_pipe_have_a_vcpu_each_if_not_told_otherwise(tmp_path: Path) -> None:
    pipe = load(tmp_path, GOOD + PIPE).workloads[-1]
    assert pipe.model_dump()["vcpus"] == 2
    assert pipe.expected_s > 20


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('domain = "d"', 'domain = ""'), "domain: string should have at least 1 character"),
        (('"10.0.0.2"', '"web1"'), "address: string should match"),
        (("port = 7", "port = 0"), "port: input should be greater than or equal to 1"),
        (("port = 7", "vcpus = 2"), "vcpus: no such key"),
    ],
)
def test_a_wrong_domain_gets_key_and_remedy(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    assert change[0] in DOMAIN
    with pytest.raises(UsageError, match=complaint):
        load(tmp_path, GOOD + DOMAIN.replace(*change, 1))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('"net_rr"', '"net_stream"'), "workloads.2.burst: missing; add it"),
        (("count = 23", "count = 23\nburst = 2"), "workloads.2.burst: no such key"),
        (("delay_ns = 1000", "jitter_ns = 10"), "link.jitter_ns: there is no delay_ns to vary"),
        (("loss = 0.01", "loss = 1"), "workloads.2.link.loss: input should be less than 1"),
        (("count = 23", 'count = 23\nloop = "half"'), "workloads.2.loop: input should be 'closed'"),
        (("count = 23", "count = 23\nvcpus = 9"), "workloads.2.vcpus: input should be less than"),
        (('"net_rr"', '"qemu_rr"\ntick_ns = 5'), "workloads.2.tick_ns: no such key"),
        (('"net_rr"', '"qemu_rr"\nkernel = "x"'), "workloads.2.kernel: string should match"),
        (('"net_rr"', '"qemu_rr"\nimage = "/a,b"'), "workloads.2.image: string should match"),
        (
            ('"net_rr"', '"qemu_rr"\nimage = "/a"\ncmdline = "b"'),
            "cmdline: the image boots by its own loader",
        ),
    ],
)
def test_a_wrong_network_gets_key_and_remedy(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    assert change[0] in NET
    with pytest.raises(UsageError, match=complaint):
        load(tmp_path, GOOD + NET.replace(*change, 1))
