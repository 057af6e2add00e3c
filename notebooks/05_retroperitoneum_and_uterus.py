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
# # 5. Retroperitoneal and uterine tumours
#
# **After this notebook you can** use the flagship network outside the gut, see how the site alone
# reorders the differential, why one gene test settles a retroperitoneal fat tumour, and how the
# treatment options follow the diagnosis.

# %%
import mesenbayes as mb

network = mb.load_network("mesenchymal")
print(f"{len(network.variable('tumour').states)} diagnoses, {len(network.variables)} variables")

# %% [markdown]
# ## The site is the first finding

# %%
import pandas as pd

sites = ["stomach", "retroperitoneum", "uterus", "extremity"]
table = pd.DataFrame({
    site: {c.code: c.probability for c in network.diagnose({"site": site}).posterior} for site in sites
})
table[table.max(axis=1) > 0.08].round(3)

# %% [markdown]
# ## Retroperitoneum: MDM2
#
# Well-differentiated and dedifferentiated liposarcoma carry MDM2 amplification. The stain stands in
# for the amplification: the two are one witness, and the gene test settles it.

# %%
mass = {"site": "retroperitoneum", "age": 64, "sex": "male", "size_cm": 18, "morphology": "pleomorphic"}
for extra in ({}, {"MDM2": "positive"}, {"MDM2_amplification": "present"},
              {"MDM2": "positive", "MDM2_amplification": "present"}, {"MDM2_amplification": "absent"}):
    d = network.diagnose(mass | extra)
    print(f"{extra!s:65s}", ", ".join(f"{c.code} {c.probability:.2f}" for c in d.posterior[:3]))

# %% [markdown]
# ## Uterus: smooth muscle, or not
#
# CD10 speaks for endometrial stroma; desmin and h-caldesmon speak for smooth muscle. Neither does
# so alone.

# %%
from mesenbayes.plots.posterior import plot_posterior

uterine = {"site": "uterus", "age": 52, "morphology": "spindle", "desmin": "positive",
           "h_caldesmon": "positive", "mitoses_per_5mm2": 14, "necrosis": "present"}
answer = network.diagnose(uterine)
plot_posterior(answer.posterior, top=5);

# %%
for w in answer.findings:
    print(f"{w.decibans:+6.1f}  {w.variable} = {w.state}")

# %% [markdown]
# ## What follows

# %%
for name, case in (("retroperitoneum", mass | {"MDM2_amplification": "present"}), ("uterus", uterine)):
    print(name)
    for option in network.decide(case).options[:3]:
        print(f"  {option.label}: {option.expected_utility:.2f} ({option.interval[0]:.2f} to {option.interval[1]:.2f})")

# %% [markdown]
# ## Exercises
#
# 1. What are five mitoses rather than fourteen worth in the uterine case?
# 2. Give the mass spindle cells, then a positive CD34 and STAT6. Which tumour gains, and by how much?
# 3. Which of the two answers rests on thinner evidence?
#
# ### Worked answers

# %%
few = network.diagnose(uterine | {"mitoses_per_5mm2": 2, "necrosis": "absent"})
for d in (answer, few):
    print(", ".join(f"{c.code} {c.probability:.2f}" for c in d.posterior[:3]))

# %%
spindle = mass | {"morphology": "spindle"}
sft = {}
for extra in ({}, {"CD34": "positive"}, {"CD34": "positive", "STAT6": "positive"}):
    d = network.diagnose(spindle | extra)
    sft[len(extra)] = {c.code: c.probability for c in d.posterior}["SFT"]
    print(f"{extra!s:44s} {d.leading.code} {d.leading.probability:.2f}; SFT {sft[len(extra)]:.3f}")

# %%
for d in (network.diagnose(mass | {"MDM2_amplification": "present"}), answer):
    low, high = d.leading.interval
    print(f"{d.leading.code} {d.leading.probability:.2f} ({low:.2f} to {high:.2f}); "
          f"most open: {d.certainty.shares[0].variable} given {d.certainty.shares[0].parents}")

# %%
fat = {"WDLS", "DDLS"}
amplified = network.diagnose(mass | {"MDM2_amplification": "present"})
assert sum(c.probability for c in amplified.posterior if c.code in fat) > 0.8
assert sft[2] > 5 * sft[0]
