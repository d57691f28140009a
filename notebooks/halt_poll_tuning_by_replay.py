# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Tuning halt polling by replay
#
# Every halt of a run was streamed. The kernel's algorithm decides about each of them anew, under
# any setting, and nothing is run. `results/replay.md` says how well that predicts.

# %%
import lab
from lab.paths import RESULTS

store = RESULTS / "recorded"
run = lab.load(*store.glob("*-halt_poll_brief"), store=store).where(
    workload=["fixed-30us", "fixed-150us"]
)
simulated = run.simulate("halt_poll_ns=0,20us,50us,100us,200us,500us shrink=0,2")

# %% [markdown]
# The settings that no other beats in both latency and CPU.

# %%
settings = simulated.settings()
columns = ["workload", "halt_poll_ns", "shrink", "wakeup_p50_ns", "cpu_share", "poll_hit_rate"]
print(settings.loc[settings["on_front"], columns].round(3).to_string(index=False))

# %% [markdown]
# The least latency for at most half a CPU above never polling; `sure` says that this holds at the
# unfavourable end of every interval.

# %%
print(simulated.tune(budget_cpu="50%").to_string(index=False))

# %% [markdown]
# What was predicted, beside what was measured at the same setting in the same run.

# %%
measured = run.where(metric="wakeup_p50_ns", warmup=False).trials
measured = measured.groupby(["workload", "vm.halt_poll_ns"])["value"].median().rename("measured")
predicted = settings[settings["shrink"] == 0].set_index(["workload", "halt_poll_ns"])
both = predicted[["wakeup_p50_ns"]].join(
    measured.rename_axis(["workload", "halt_poll_ns"]), how="inner"
)
print(both.round(0).to_string())

# %%
figures = simulated.plot(budget_cpu="50%")
print(*[figure.layout.title.text for figure in figures], sep="\n")
