"""What the agent takes for a running VM of libvirt's: `fake_domain.py -name guest=…,…`.

It holds a VM of KVM's, has a thread named as that of vCPU 0, and answers over UDP at the loopback's
port that it says. With `--silent` it has the port and does not answer, with `--nameless` no names.
"""

import ctypes
import fcntl
import os
import socket
import sys
import threading

KVM_CREATE_VM = 0xAE01
PR_SET_NAME = 15


def vcpu() -> None:
    if "--nameless" not in sys.argv:
        ctypes.CDLL(None).prctl(PR_SET_NAME, b"CPU 0/KVM", 0, 0, 0)
    answering = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answering.bind(("127.0.0.1", 0))
    sys.stdout.write(f"{answering.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        message, client = answering.recvfrom(64)
        if "--silent" not in sys.argv:
            answering.sendto(message, client)


kvm = os.open("/dev/kvm", os.O_RDWR)
vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
threading.Thread(target=vcpu).start()
