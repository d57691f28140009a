# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Investigating an alert
#
# **These nights are made up**, by `lab.detect.synthetic`: what really changed is known, and what
# the lab says can be held against it. With nights of your own, write
# `nights = lab.nights("s3://nights/lab", "halt_poll")` and leave the recipe out.

# %%
from datetime import date

import lab
from lab.detect import Break
from lab.detect.synthetic import Change, Recipe, synthesize

truth = Change(night=70, size=0.06)
made_up = synthesize(Recipe(changes=(truth,), spread=0.01, nights=75), seed=7)
nights = lab.Nights(made_up.history())

# %% [markdown]
# What is known on the last night: how much, since when, and how small a change would have shown.

# %%
columns = ["host", "metric", "state", "since", "ratio", "low", "high"]
print(nights.judge()[columns].to_string(index=False))
change = nights.judge().iloc[0]
print("it really began on", nights.trials["night"].drop_duplicates().iloc[truth.night].date())

# %% [markdown]
# How the nights saw it coming: one bad night is a suspicion and no alert; two are run again, and
# only what that confirms is told.

# %%
begun = nights.trials["night"].drop_duplicates().iloc[truth.night - 1 : truth.night + 4]
for night in begun:
    known = nights.until(night.isoformat()).judge().iloc[0]
    print(
        night.date(), known["state"] or f"silence: a change of {known['detectable']:.3f} would show"
    )

# %% [markdown]
# Was it the machine? Had the microcode been replaced that night, the nights before would say
# nothing about those after it. Then the series begins anew, and there is nothing to alert.

# %%
reason = "made up: new microcode"
broken = lab.Nights(nights.trials, (Break(date.fromisoformat(change["since"]), reason),))
print(broken.judge()[["state", "detectable", "reason"]].to_string(index=False))

# %% [markdown]
# The picture: nights with their intervals, the levels as judged, and the break where there is one.

# %%
for drawn in (*nights.plot(), *broken.plot()):
    print(drawn.layout.title.text, [len(trace.x) for trace in drawn.data])

# %% [markdown]
# Of a real alert, `kvmlab alerts show` names what changed on the host (kernel, package, knob), and
# `kvmlab alerts reproduce` writes the experiment of its one cell and a script for `git bisect run`.
