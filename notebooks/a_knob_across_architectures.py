# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Does a knob do the same on every architecture?
#
# `halt_poll_ns` 0 against 200 µs on three architectures. The recorded runs are of icount hosts: one
# instruction passes for one nanosecond, so these are lengths of paths. Architectures are compared
# by their effects, each against the reference on the same host, and never by nanoseconds.

# %%
import lab
from lab.paths import RESULTS

store = RESULTS / "recorded"
runs = lab.load(*store.glob("*-path_length"), store=store).where(workload="halt")
print(
    runs.trials.drop_duplicates("host")[["host", "architecture", "kernel"]].to_string(index=False)
)

# %% [markdown]
# The host's own effects: what sleeping adds to a wake-up and what polling burns instead.

# %%
metrics = ["wakeup_p50_ns", "cpu_ns_per_wakeup"]
effects = runs.effects(metrics=metrics)
print(effects[["host", "metric", "ratio", "low", "high", "verdict"]].to_string(index=False))

# %% [markdown]
# Hosts of an architecture combined, and which architectures are shown to differ. On ppc64 the knob
# is inert, with the reason: that is an answer, too. An effect without any spread between blocks has
# no interval, and the lab then says nothing rather than guess.

# %%
found = runs.architectures(metrics=metrics)
columns = ["architecture", "hosts", "metric", "ratio", "verdict", "differs_from"]
print(found[columns].to_string(index=False))
print(*sorted(set(found.loc[found["verdict"] == "inert", "reason"])), sep="\n")

# %% [markdown]
# The same as a picture of the report: a row of one colour is a knob that does the same everywhere.

# %%
heat = runs.plot("heat")
for figure in heat:
    fields = figure.data[0]
    print(figure.layout.title.text, *zip(fields.x, fields.text[0], strict=True), sep="\n  ")
