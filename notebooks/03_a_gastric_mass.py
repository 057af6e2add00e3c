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
# # 3. A gastric mass, from endoscopy to treatment
#
# **After this notebook you can** follow one patient through the order of the clinic, see which step
# moved the belief, when to stop testing, and how the treatment is chosen over *all* diagnoses that
# remain, not only the first.

# %%
import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")

# %% [markdown]
# ## Endoscopy: a subepithelial lesion of the stomach

# %%
steps = {
    "endoscopy": {"site": "stomach", "age": 61, "sex": "female"},
    "ultrasound": {"size_cm": 5.6, "eus_layer": "muscularis_propria"},
    "biopsy": {"sampling": "core", "morphology": "spindle", "mitoses_per_5mm2": 3},
    "first stains": {"CD117": "positive", "DOG1": "positive"},
    "genotype": {"KIT_mutation": "exon_11"},
}
known = {}
for step, findings in steps.items():
    known |= findings
    d = network.diagnose(known)
    top = ", ".join(f"{c.code} {c.probability:.2f}" for c in d.posterior[:3])
    print(f"{step:13s} {top}")

# %%
from mesenbayes.plots.posterior import plot_posterior

before = network.diagnose({k: v for s in ("endoscopy", "ultrasound", "biopsy") for k, v in steps[s].items()})
plot_posterior(before.posterior, top=6);

# %% [markdown]
# ## Which stain first?
#
# The expected information of a test is how much its result will tell about the type, averaged over
# the results it may have.

# %%
for test in before.next_tests[:5]:
    print(f"{test.label:28s} {test.bits:.2f} bits")

# %% [markdown]
# ## Why, and does it fit?

# %%
final = network.diagnose(known)
for w in final.findings[:5]:
    print(f"{w.decibans:+6.1f}  {w.variable} = {w.state}: {w.words}")
print(final.conflict.sentence)

# %% [markdown]
# ## Treatment
#
# Expected utility of every option, over every type and genotype that remains, with joint draws of
# the posterior and of the numbers of the treatment model.

# %%
print(final.risk.sentence)
final.decision.to_frame()[["option", "expected_utility", "low", "high", "probability_best"]].round(2)

# %%
print(final.decision.sentence)
for point in [p for p in final.guidelines if not p.needs and p.topic in ("adjuvant", "surgery")][:4]:
    print("-", point.recommendation, f"({point.applies}; {point.source})")

# %% [markdown]
# ## Exercises
#
# 1. The biopsy is scant (`cells: scant`) and CD117 negative. How much does the stain still say?
# 2. Take the size down to 1.5 cm. What changes in the choice?
# 3. Write the report of this case as one HTML file.
#
# ### Worked answers

# %%
base = {"site": "stomach", "morphology": "spindle", "CD117": "negative"}
for cells in ("adequate", "scant"):
    d = network.diagnose(base | {"cells": cells})
    print(f"cells {cells:9s} P(GIST) = {d.probabilities[0]:.3f}")

# %% [markdown]
# 1. A negative stain on a slide without tumour cells is nearly silent: the sample stands between
#    the biology and the reading.

# %%
small = network.decide(known | {"size_cm": 1.5})
print(small.sentence)

# %%
from mesenbayes.report.html import html_report

page = html_report(final)
print(f"{len(page) / 1000:.0f} kB, {page.count('<table>')} tables, starts {page[:15]!r}")

# %%
gist = [network.diagnose(base | {"cells": c}).probabilities[0] for c in ("adequate", "scant")]
assert gist[1] > gist[0]
assert final.leading.code == "GIST" and "<script" not in page
