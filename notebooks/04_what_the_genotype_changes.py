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
# # 4. KIT-negative, D842V and SDH-deficient GIST: what the genotype changes
#
# **After this notebook you can** recognise the pattern of a PDGFRA-mutant and of an SDH-deficient
# GIST before it is sequenced, say which test shows it, and see the adjuvant choice turn over.

# %%
import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")


def genotypes(case, n=4):
    return {g: round(p, 2) for g, p in list(network.diagnose(case).genotype.items())[:n]}


# %% [markdown]
# ## CD117-negative, epithelioid, stomach
#
# The textbook pattern of a PDGFRA mutation. Watch the genotype as each finding is added.

# %%
case = {"site": "stomach", "DOG1": "positive"}
print(genotypes(case))
for name, state in (("morphology", "epithelioid"), ("CD117", "negative")):
    case[name] = state
    print(f"+ {name} {state}:", genotypes(case))

# %% [markdown]
# ## SDH: one stain for four genes
#
# SDHB is lost when *any* of SDHA to SDHD fails; it is the cheap way in.

# %%
young = {"site": "stomach", "age": 19, "sex": "female", "CD117": "positive", "DOG1": "positive",
         "morphology": "epithelioid"}
for sdhb in (None, "retained", "lost"):
    print(f"SDHB {sdhb!s:9s}", genotypes(young | ({"SDHB": sdhb} if sdhb else {}), 3))

# %% [markdown]
# ## The same tumour, four genotypes, four choices
#
# One gastric GIST of 8 cm with 8 mitoses, tested four ways.

# %%
tumour = {"site": "stomach", "age": 58, "size_cm": 8, "mitoses_per_5mm2": 8, "morphology": "spindle",
          "CD117": "positive", "DOG1": "positive", "metastasis": "absent"}
tests = {
    "KIT exon 11": {"KIT_mutation": "exon_11"},
    "KIT exon 9": {"KIT_mutation": "exon_9"},
    "PDGFRA D842V": {"PDGFRA_mutation": "D842V", "KIT_mutation": "wild_type"},
    "SDH-deficient": {"SDHB": "lost", "KIT_mutation": "wild_type", "PDGFRA_mutation": "wild_type"},
}
decisions = {name: network.decide(tumour | result) for name, result in tests.items()}
for name, decision in decisions.items():
    print(f"{name:14s} {decision.option(decision.recommended).label}")

# %% [markdown]
# Why: the gain of three years of imatinib over resection alone, by class of tumour.

# %%
for name, decision in decisions.items():
    option = next((o for o in decision.options if "imatinib_3y" in o.name), None)
    if option is not None:
        low, high = option.gain_interval
        print(f"{name:14s} {option.gain:+.2f} {decision.unit} ({low:+.2f} to {high:+.2f})")

# %% [markdown]
# ## Exercises
#
# 1. The laboratory reports `p.Asp842Val`. Enter it as the laboratory wrote it.
# 2. Before any sequencing, what is knowing the class worth for this tumour?
# 3. Which guideline points speak of SDH-deficient GIST, and do they apply?
#
# ### Worked answers

# %%
as_written = {"findings": tumour, "variants": [{"gene": "PDGFRA", "protein": "p.Asp842Val"}]}
print(network.diagnose(as_written).case.by_variable["PDGFRA_mutation"])

# %%
untested = network.decide(tumour)
print(f"{untested.value_of_perfect_information:.2f} {untested.unit}: {untested.sentence}")

# %% [markdown]
# 2. That number is the ceiling for the price of a perfect gene test, in the unit of the decision.

# %%
for point in network.diagnose(tumour | tests["SDH-deficient"]).guidelines:
    if "SDH" in point.applies + point.recommendation:
        print(f"- {point.recommendation} ({point.source})")

# %%


def pdgfra(case):
    return sum(p for g, p in network.diagnose(case).genotype.items() if g.startswith("PDGFRA"))


assert pdgfra(case) > 2 * pdgfra({"site": "stomach", "DOG1": "positive"})
assert decisions["PDGFRA D842V"].recommended != decisions["KIT exon 11"].recommended
lost = network.diagnose(young | {"SDHB": "lost"}).genotype
assert next(iter(lost)) == "SDH_deficient"
