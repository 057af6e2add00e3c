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
# # 2. A network from counts, and reading its evidence
#
# **After this notebook you can** follow a probability of the network back to the studies it comes
# from, read a forest plot and a coverage map, say what happens where nobody counted, and see what
# one more study would do.

# %%
import numpy as np

import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
print(network.name, network.version, "digest", network.digest)

# %% [markdown]
# ## One cell: DOG1 in GIST
#
# A *cell* is one finding in one tumour type. Its studies are rows "k of n, source, the source's
# words" of a CSV file; what they add up to is a Dirichlet row of the network.

# %%
cell = network.cell("GIST", "DOG1")
print(cell.sentence)
cell.to_frame()[["use", "source_id", "k", "n", "effective_n", "trust", "where"]].head(6)

# %%
from mesenbayes.plots.forest import plot_forest

plot_forest(cell);

# %% [markdown]
# Studies disagree by more than chance: most where the rate is half way, least where all tumours
# stain or none. That is fitted once for each kind of finding, gives each cell a correlation ρ, and a
# study of *n* cases counts for
#
# $$ n^* = \frac{w\,n}{1 + (n-1)\rho} $$
#
# cases. A thousand cases of one laboratory are one laboratory:

# %%
for n in (10, 100, 1000, 10_000):
    print(f"{n:6d} cases count for {n / (1 + (n - 1) * cell.rho):.1f}")

# %% [markdown]
# ## Where nobody counted
#
# An unstudied cell is not left at one half, and not set to zero: it is borrowed from related cells,
# with little weight, and says so.

# %%
coverage = network.coverage()
coverage.to_frame().head(5)

# %%
from mesenbayes.plots.coverage import plot_coverage

plot_coverage(coverage);

# %% [markdown]
# ## Your own counts
#
# Beta arithmetic by hand: a start of α = (a, b), and a study with k of n, gives
# (a + k\*, b + n\* − k\*), where the star marks the cases that the study counts for.

# %%
a, b = 1.0, 4.0                      # a thin, declared start: mean 0.2
k, n, rho = 9, 30, cell.rho
star = n / (1 + (n - 1) * rho)
alpha = np.array([a + star * k / n, b + star * (1 - k / n)])
print(f"worth {star:.1f} cases; mean goes from {a / (a + b):.2f} to {alpha[0] / alpha.sum():.2f}")

# %% [markdown]
# ## Exercises
#
# 1. Find the largest study of CD117 in GIST that is *not* pooled, and the reason.
# 2. Which row of the network leaves most open about a CD117-negative, DOG1-positive gastric tumour?
# 3. k = 0 of 20. What rate does the network use, and why not zero?
#
# ### Worked answers

# %%
lines = network.cell("GIST", "CD117").to_frame()
lines[lines["exclude"] != ""].sort_values("n", ascending=False)[["source_id", "k", "n", "exclude"]].head(3)

# %%
diagnosis = network.diagnose({"site": "stomach", "CD117": "negative", "DOG1": "positive"})
for share in diagnosis.certainty.shares[:3]:
    print(f"{share.share:4.0%}  {share.variable} given {share.parents}: {share.row.reason}")

# %% [markdown]
# 2. That row is where the next study should be done.

# %%
a, b, k, n = 0.5, 4.5, 0, 20
star = n / (1 + (n - 1) * rho)
rate = (a + 0) / (a + b + star)
print(f"0 of {n}: {rate:.3f}")

# %% [markdown]
# 3. Nobody who saw 20 cases knows that the 21st cannot differ. A zero in a network is for ever: no
#    finding could speak against it. Zeros are kept for definitions.

# %%
assert 0 < rate < 0.1
assert cell.studies and cell.rate > 0.5
