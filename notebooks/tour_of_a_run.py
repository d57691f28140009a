# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # A tour of a run
#
# One recorded run of the experiment `halt_poll_brief`: per-VM `halt_poll_ns` against four rhythms
# of wake-ups. Put the name of a run of yours in its place, and leave `store` out.

# %%
import lab
from lab.paths import RESULTS

store = RESULTS / "recorded"
run = lab.load(*store.glob("*-halt_poll_brief"), store=store)

# %% [markdown]
# `trials` is tidy: one row for each trial and metric.

# %%
wakeup = run.where(metric="wakeup_p50_ns", warmup=False).trials
table = wakeup.pivot_table(
    index="workload", columns="vm.halt_poll_ns", values="value", aggfunc="median"
)
print((table / 1000).round(1).to_string())

# %% [markdown]
# `effects` compares every setting with the reference, by trials, with an interval and a verdict.

# %%
effects = run.effects()
shown = effects[effects["verdict"].isin(["better", "worse"])]
print(shown[["workload", "metric", "setting", "ratio", "low", "high"]].to_string(index=False))

# %% [markdown]
# `halts` has every halt the probe streamed: here, how the polling window of a fresh VM grows when
# wake-ups come every 150 µs.

# %%
halts = run.where(workload="fixed-150us", **{"vm.halt_poll_ns": 200_000}).halts()
first = halts[halts["trial"] == halts["trial"].min()].head(8)
print(first[["ns", "waited", "window"]].to_string(index=False))
