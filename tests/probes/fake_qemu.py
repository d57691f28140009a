#!/usr/bin/python3
"""What the agent needs of QEMU, without a VM: QMP, a console, what answers where the tap is.

Of its command line it takes the descriptor of QMP, how many vCPUs there are, and what init is to
do: without an init it serves and says nothing. KVMLAB_FAKE says how it fails, if it is to.
"""

import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time

GROWING = [{"name": "exits", "type": "cumulative"}, {"name": "hist", "type": "linear-histogram"}]
FAULT = os.environ.get("KVMLAB_FAKE")
WORDS = " ".join(sys.argv)


class Echo:
    """A guest's echo server, where the guest's card would be."""

    def __init__(self) -> None:
        self.answered = 0
        for words in (
            "link set kvmlab-bridge address 52:54:00:6b:76:6d",
            "address add 192.0.2.2/30 dev kvmlab-bridge",
        ):
            subprocess.run(["ip", *words.split()], check=True)
        # A VM takes longer to boot than the bridge to forward.
        while b"state UP" not in subprocess.check_output(["ip", "link", "show", "kvmlab-bridge"]):
            time.sleep(0.05)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket()
        for each in (self.udp, self.tcp):
            each.bind(("192.0.2.2", 7))
        self.tcp.listen()
        self.sources = [self.udp, self.tcp]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            for source in select.select(self.sources, [], [])[0]:
                self._answer(source)

    def _answer(self, source: socket.socket) -> None:
        if source is self.tcp:
            self.sources.append(source.accept()[0])
        elif source is self.udp:
            message, client = source.recvfrom(64)
            self.answered += 1
            source.sendto(message, client)
        elif message := source.recv(8):
            self.answered += 1
            source.sendall(message)
        else:
            self.sources.remove(source)


def say(**line: object) -> None:
    sys.stdout.write(f"[    0.1] a kernel's line\r\n{json.dumps(line)}\r\n")
    sys.stdout.flush()


def echo_init() -> None:
    echo = Echo()
    say(ready={"kernel": "6.0", "idle_driver": "haltpoll", "guest_halt_poll_ns": 7})

    def last_words() -> None:
        if sys.stdin.readline() == "end\n":
            say(result={"completed": echo.answered})

    threading.Thread(target=last_words, daemon=True).start()


def pingpong_init(count: int) -> None:
    say(ready={"kernel": "6.0", "idle_driver": None})

    def play() -> None:
        if sys.stdin.readline() == "go\n":
            say(done={})
        if sys.stdin.readline() == "end\n":
            say(result={"completed": count, "round_trip_ns": list(range(1, count + 1))})

    threading.Thread(target=play, daemon=True).start()


def boot() -> None:
    if FAULT == "kvm":
        sys.stderr.write("KVM internal error. Suberror: 1\n")
        sys.stderr.flush()
    elif FAULT == "init":
        say(failed="no network card came up as eth0")
    elif FAULT == "silent":
        say(login="web1")
    elif found := re.search(r"-- pingpong (\d+)", WORDS):
        pingpong_init(int(found[1]))
    elif "-- echo" in WORDS:
        echo_init()
    else:
        Echo()


def cpus() -> list[dict[str, object]]:
    """Return the vCPUs, the last one first."""
    found = re.search(r"-smp (\d+)", WORDS)
    assert found
    return [
        {"thread-id": os.getpid(), "cpu-index": index, "qom-path": f"/cpu[{index}]"}
        for index in reversed(range(int(found[1])))
    ]


def counts(exits: int, path: str) -> dict[str, object]:
    values = {"exits": exits, "hist": [exits, 1], "blocking": False}
    told = [{"name": name, "value": value} for name, value in values.items()]
    return {"qom-path": path, "stats": told}


def main() -> None:
    if FAULT == "start":
        sys.exit("no such CPU")
    found = re.search(r"socket,id=qmp,fd=(\d+)", WORDS)
    assert found
    qmp = socket.socket(fileno=int(found[1])).makefile("rw")

    def send(message: object) -> None:
        qmp.write(json.dumps(message) + "\n")
        qmp.flush()

    send({"QMP": {"version": {"qemu": {"major": 10, "minor": 0, "micro": 3}}}})
    booted, exits = False, 0
    for line in qmp:
        asked = json.loads(line)
        answer: object = {}
        if asked["execute"] == "query-cpus-fast":
            answer = cpus()
        elif asked["execute"] == "cont":
            if not booted:
                boot()
            booted = True
            exits += 5
            send({"event": "RESUME"})
        elif asked["execute"] == "query-stats" and asked["arguments"]["target"] == "vm":
            answer = [counts(exits, "/machine")]
        elif asked["execute"] == "query-stats":
            # vCPU 1 exits twice as often.
            answer = [
                counts(exits << int(str(each["cpu-index"])), str(each["qom-path"]))
                for each in cpus()
            ]
        elif asked["execute"] == "query-stats-schemas":
            answer = [{"provider": "kvm", "target": "vcpu", "stats": GROWING}]
        send({"return": answer})


main()
