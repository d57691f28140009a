# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Where are the floating-point registers switched?
#
# A guest's vector registers must be saved and loaded somewhere: when `KVM_RUN` begins and ends,
# when the vCPU is put on a CPU, or at every entry. Where it is at every entry, a guest that dirties
# them pays at each exit.

# %%
import lab
from lab import arch
from lab.paths import RESULTS

for architecture in arch.architectures().values():
    for boundary in architecture.fpu:
        print(f"{architecture.title}, {boundary.kernels}: {boundary.where} ({boundary.source})")

# %% [markdown]
# That is the source. A run asks the machine, twice: by the guest's own clock (the same exit with
# registers written before it and without, which needs no probe), and by a probe of the kernel's
# functions. What a host cannot show is said, with the reason.

# %%
store = RESULTS / "recorded"
run = lab.load(*store.glob("*-fpu_brief"), store=store)
cost = run.fpu().iloc[0]
print(f"an exit with dirty registers: +{cost['ns']:.0f} ns [{cost['low']:.0f}, {cost['high']:.0f}]")
print("the source:", cost["switched"])
print("the probe:", *cost["seen"].split("; "), sep="\n  ")

# %% [markdown]
# The difference holds the guest's own writing of its registers. This host was recorded inside a
# virtual machine, whose software KVM runs much of a guest in the kernel's instruction emulator: the
# price here is that of emulated writes, not of a switch, and says nothing of hardware. The lab
# therefore marks the host:

# %%
print("clock class:", cost["clock_class"])

# %% [markdown]
# Where the time of the vCPUs went. What this host cannot show has no row and is in `unattributed`.

# %%
phases = run.phases().pivot_table(index="workload", columns="phase", values="share")
print((100 * phases).round(1).to_string())
for figure in run.plot("phases"):
    print(figure.layout.title.text, [bar.name for bar in figure.data])
