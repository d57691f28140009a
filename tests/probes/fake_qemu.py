#!/usr/bin/python3
"""What the agent needs of QEMU, without a VM: QMP, a console, an echo server where the tap is.

Of its command line it takes the descriptor of QMP. KVMLAB_FAKE says how it fails, if it is to.
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


def boot() -> None:
    if FAULT == "kvm":
        sys.stderr.write("KVM internal error. Suberror: 1\n")
        sys.stderr.flush()
        return
    if FAULT == "init":
        say(failed="no network card came up as eth0")
        return
    echo = Echo()
    say(ready={"kernel": "6.0", "idle_driver": "haltpoll", "guest_halt_poll_ns": 7})

    def last_words() -> None:
        if sys.stdin.readline() == "end\n":
            say(result={"answered": echo.answered})

    threading.Thread(target=last_words, daemon=True).start()


def counts(exits: int) -> dict[str, object]:
    values = {"exits": exits, "hist": [exits, 1], "blocking": False}
    return {"stats": [{"name": name, "value": value} for name, value in values.items()]}


def main() -> None:
    if FAULT == "start":
        sys.exit("no such CPU")
    words = " ".join(sys.argv)
    found = re.search(r"socket,id=qmp,fd=(\d+)", words)
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
            answer = [{"thread-id": os.getpid(), "cpu-index": 0}]
        elif asked["execute"] == "cont":
            if not booted:
                boot()
            booted = True
            exits += 5
            send({"event": "RESUME"})
        elif asked["execute"] == "query-stats":
            answer = [counts(exits)]
        elif asked["execute"] == "query-stats-schemas":
            answer = [{"provider": "kvm", "target": "vcpu", "stats": GROWING}]
        send({"return": answer})


main()
