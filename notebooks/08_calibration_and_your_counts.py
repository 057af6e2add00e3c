# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 8. Calibrating on a cohort, and your own counts
#
# **After this notebook you can** check on a table of cases whether probabilities mean what they
# say, read a calibration curve and its scores, and see how your own counts would move a cell.

# %%
import pandas as pd

import mesenbayes as mb
from mesenbayes.cohort.ordering import simulate_cohort
from mesenbayes.cohort.validation import validate

network = mb.load_network("gi-mesenchymal")
cases = pd.concat(simulate_cohort(network, 1500, rng=8))
cases.iloc[:3, :8]

# %% [markdown]
# The cases are simulated from the network, with tests ordered as a pathologist would: what was not
# ordered is missing, not negative. Put your own table here: one row a case, one column a finding,
# one column `true_tumour`.
#
# ## Do 30 % mean 30 %?

# %%
result = validate(network, cases, resamples=40, interval_cases=20, rng=1)
result.to_frame().round(3)

# %%
from mesenbayes.plots.calibration import plot_calibration

plot_calibration(result.calibration, most=3);

# %% [markdown]
# ## A miscalibrated answer
#
# Sharpen every probability (as a model does that counts one witness twice) and the same cohort
# shows it.

# %%
import numpy as np

truth = cases["true_tumour"].to_numpy()
findings = [v.name for v in network.variables if v.name in cases and v.name != "tumour"]
p = network.posterior(cases[findings])


def log_score(p):
    return float(np.mean(np.log(p.to_numpy()[np.arange(len(p)), p.columns.get_indexer(truth)])))


sharp = p.pow(2).div(p.pow(2).sum(axis=1), axis=0)
print(f"log score {log_score(p):.4f} as answered, {log_score(sharp):.4f} sharpened")

# %% [markdown]
# ## Your own counts
#
# Say your laboratory saw DOG1 in 57 of 60 of its GIST. The cell is a Beta; your study counts for
# n\* = n / (1 + (n − 1)ρ) cases, so that one laboratory cannot outvote the rest.

# %%
cell = network.cell("GIST", "DOG1")
alpha = cell.row.alpha
k, n = 57, 60
star = n / (1 + (n - 1) * cell.rho)
new = alpha + star * np.array([1 - k / n, k / n])
print(f"{cell.rate:.3f} from {alpha.sum():.0f} cases' worth, then {new[1] / new.sum():.3f} from {new.sum():.0f}")

# %% [markdown]
# ## Exercises
#
# 1. Of the cases answered with 20 to 80 % for GIST, how many were GIST, and how many should be?
# 2. Which error hides when only the share of right first answers is reported?
# 3. Your hospital sees twice as many schwannomas. What should change, the stains or the prior?
#
# ### Worked answers

# %%
middle = p["GIST"].between(0.2, 0.8).to_numpy()
print(f"{middle.sum()} cases, mean P(GIST) {p['GIST'][middle].mean():.2f}, "
      f"share of GIST {np.mean(truth[middle] == 'GIST'):.2f}")
print(f"first answers right: {np.mean(p.idxmax(axis=1).to_numpy() == truth):.3f} as answered, "
      f"{np.mean(sharp.idxmax(axis=1).to_numpy() == truth):.3f} sharpened")

# %% [markdown]
# 1. The two numbers should agree as well as so few cases let them.
# 2. Overconfidence: sharpening changes no first answer, so accuracy cannot see it. Scores can.
# 3. The prior. How tumours stain does not depend on how many you see.

# %%
assert log_score(sharp) < log_score(p)
assert result.is_consistent
