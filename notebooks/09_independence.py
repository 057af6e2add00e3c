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
# # 9. Independence, explaining away and d-separation
#
# **After this notebook you can** read from the drawing of a network which findings speak to which,
# check it with networkx, pgmpy and numbers, and avoid counting one witness twice.

# %%
import networkx as nx
import numpy as np

import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
graph = nx.DiGraph(
    (p, v.name) for v in network.variables for p in network.tables[v.name].parents
)
print(graph)

# %%
from mesenbayes.plots.network import plot_network

plot_network(network.diagnose({"CD117": "negative"}), around=["CD117", "STAT6"]);

# %% [markdown]
# ## Three patterns
#
# * **fork** CD117 ← tumour → desmin: dependent, until the tumour is known;
# * **chain** tumour → NAB2_STAT6_fusion → STAT6_expression: the fusion screens the stain off;
# * **collider** expression → STAT6 ← cells: independent, until the *stain* is seen.

# %%
def separated(x, y, given=()):
    return nx.is_d_separator(graph, {x}, {y}, set(given))


def moves(x, y, **given):
    """Largest change of P(y) when x is learned."""
    base = network.diagnose(given, target=y).probabilities
    states = network.variable(x).states
    return max(
        float(np.abs(network.diagnose(given | {x: s}, target=y).probabilities - base).max())
        for s in states
    )


rows = [
    ("CD117", "desmin", {}),
    ("CD117", "desmin", {"tumour": "LMS"}),
    ("CD117", "desmin", {"tumour": "LMS", "cells": "adequate"}),
    ("sampling", "STAT6_expression", {}),
    ("sampling", "STAT6_expression", {"STAT6": "negative"}),
]
for x, y, given in rows:
    print(f"{x:9s} and {y:17s} given {given!s:39s} separated {separated(x, y, given)!s:5s} "
          f"moves {moves(x, y, **given):.4f}")

# %% [markdown]
# Knowing the tumour leaves a little in row two: both stains were read on the same slide, and a scant
# slide silences both (a second fork, CD117 ← cells → desmin). With the slide known too, row three
# is zero, as the drawing promises. Separation in the drawing promises independence; its absence
# promises nothing. Rows four and five are the collider: seeing the stain links the sample to the
# biology.
#
# ## Explaining away
#
# A negative STAT6 in a solitary fibrous tumour has two explanations: the tumour does not express
# it, or the slide holds hardly any tumour. Learn that the slide was scant, and the first
# explanation is no longer needed.

# %%
negative = {"tumour": "SFT", "STAT6": "negative"}
for cells in (None, "adequate", "scant"):
    case = negative | ({"cells": cells} if cells else {})
    p = network.diagnose(case, target="STAT6_expression").probabilities[1]
    print(f"cells {cells!s:9s} P(antigen expressed) = {p:.3f}")

# %% [markdown]
# ## The same from pgmpy

# %%
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    model = network.to_pgmpy()
trail = model.is_dconnected("sampling", "STAT6_expression", observed=["STAT6"])
print("pgmpy says connected given STAT6:", trail)

# %% [markdown]
# ## Two stains, one witness
#
# STAT6 stands in for the NAB2-STAT6 fusion. Once the fusion is known, the stain adds nearly nothing:

# %%
base = {"site": "retroperitoneum", "morphology": "spindle"}
weights = {}
for known in ({}, {"NAB2_STAT6_fusion": "present"}):
    d = network.diagnose(base | known | {"STAT6": "positive"})
    weights[bool(known)] = next(w.decibans for w in d.findings if w.variable == "STAT6")
    print("fusion known" if known else "fusion not known", f"STAT6 is worth {weights[bool(known)]:+.1f} decibans")

# %% [markdown]
# ## Exercises
#
# 1. Is age independent of sex? Given the tumour?
# 2. Find a collider that involves the genotype.
# 3. Does knowing `ascertainment` tell anything about CD117? Once the tumour is known?
#
# ### Worked answers

# %%
for x, y, given in (("age", "sex", {}), ("age", "sex", {"tumour": "GIST"}),
                    ("ascertainment", "CD117", {}), ("ascertainment", "CD117", {"tumour": "GIST"})):
    print(f"{x} and {y} given {given}: separated {separated(x, y, given)}, moves {moves(x, y, **given):.4f}")

# %% [markdown]
# 1. Age and sex both hang on the tumour alone: dependent, and independent once it is known.
# 2. tumour → genotype ← site: once the genotype is known, site and type speak to each other.
# 3. It changes which tumour it is, and through that the stain. Once the tumour is known a trace is
#    left: the tumour is itself a collider of site and attention, and the site bears on the genotype.

# %%
assert separated("sampling", "STAT6_expression")
assert not separated("sampling", "STAT6_expression", ["STAT6"]) and trail
assert moves("age", "sex", tumour="GIST") < 1e-9 < moves("age", "sex")
assert abs(weights[True]) < abs(weights[False])
