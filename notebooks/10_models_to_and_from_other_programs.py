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
# # 10. Moving models between mesenbayes, pgmpy, pyAgrum and GeNIe
#
# **After this notebook you can** hand a network to another program, get the same answer there, and
# know what does not travel (the counts).

# %%
import tempfile
import warnings
from pathlib import Path

import mesenbayes as mb

network = mb.load_network("gist-basics")
findings = {"CD117": "negative", "DOG1": "positive"}
ours = {c.code: c.probability for c in network.diagnose(findings).posterior}
{k: round(v, 6) for k, v in ours.items()}

# %% [markdown]
# ## pgmpy

# %%
with warnings.catch_warnings():
    warnings.simplefilter("ignore")      # pgmpy warns about its own modules
    from pgmpy.inference import VariableElimination

    model = network.to_pgmpy()
    answer = VariableElimination(model).query(["tumour"], evidence=findings, show_progress=False)
theirs = dict(zip(answer.state_names["tumour"], answer.values, strict=True))
print({k: round(float(v), 6) for k, v in theirs.items()})

# %% [markdown]
# and back:

# %%
back = mb.from_pgmpy(model)
print(back.diagnose(findings))

# %% [markdown]
# ## Files: XMLBIF, BIF, XDSL (GeNIe), NET (Hugin), UAI

# %%
from mesenbayes.interop.files import read_network, write_network

folder = Path(tempfile.mkdtemp())
for ending in ("bifxml", "bif", "xdsl", "net"):
    path = folder / f"gist.{ending}"
    write_network(network, path)
    again = read_network(path)
    worst = max(
        float(abs(again.tables[v.name].probability - network.tables[v.name].probability).max())
        for v in network.variables
    )
    print(f"{ending:7s} {path.stat().st_size:6d} bytes, largest difference {worst:.1e}")

# %% [markdown]
# ## pyAgrum
#
# If it is installed (`pip install mesenbayes[interop]`), read the file there and compare.

# %%
try:
    import pyagrum as gum
except ImportError:
    agrum = None
    print("pyAgrum is not installed here")
else:
    bn = gum.loadBN(str(folder / "gist.bifxml"))
    engine = gum.LazyPropagation(bn)
    engine.setEvidence(findings)
    engine.makeInference()
    agrum = dict(zip(bn.variable("tumour").labels(), engine.posterior("tumour").tolist(), strict=True))
    print({k: round(v, 6) for k, v in agrum.items()})

# %% [markdown]
# ## Exercises
#
# 1. A network that came from a file knows probabilities but no counts. What does its interval say?
# 2. Ask pgmpy for something impossible, and mesenbayes. Who says so?
#
# ### Worked answers

# %%
print("ours:     ", network.diagnose(findings).leading.interval)
print("from file:", back.diagnose(findings).leading.interval)

# %% [markdown]
# 1. It has no width: without counts there is nothing to be unsure about, which is the danger of a
#    bare probability. Exchange the counts as well where you can.
# 2. pgmpy answers nan; mesenbayes raises an error that names the findings.

# %%
assert max(abs(ours[k] - float(theirs[k])) for k in ours) < 1e-9
assert agrum is None or max(abs(ours[k] - agrum[k]) for k in ours) < 1e-6
low, high = back.diagnose(findings).leading.interval
assert high - low < 1e-6
