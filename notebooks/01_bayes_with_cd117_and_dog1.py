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
# # 1. Bayes' theorem with CD117 and DOG1
#
# **After this notebook you can** turn a prior and a stain into a posterior by hand, do it in odds
# and in decibans, say what a negative stain is worth, and recognise when two stains are not two
# witnesses.
#
# The network `gist-basics` has four answers and three stains: small enough to check every number.
# For research and teaching, not for the care of patients.

# %%
import mesenbayes as mb

network = mb.load_network("gist-basics")
prior = network.diagnose({})
prior.to_frame().round(3)

# %% [markdown]
# ## One stain
#
# Bayes' theorem for a tumour type *t* and a positive CD117:
#
# $$P(t \mid +) = \frac{P(+ \mid t)\,P(t)}{\sum_s P(+ \mid s)\,P(s)}$$
#
# We need P(+ | t), the share of each type that reads positive. The network knows it from counted
# studies; `witness` shows the number and who says so.

# %%
from mesenbayes.report.witnesses import witness

types = network.variable("tumour").states
p_positive = {t: witness(network, "CD117", "positive", t).probability for t in types}
p_type = {c.code: c.probability for c in prior.posterior}

joint = {t: p_positive[t] * p_type[t] for t in types}
by_hand = {t: joint[t] / sum(joint.values()) for t in types}
{t: round(p, 4) for t, p in by_hand.items()}

# %% [markdown]
# The same from the network:

# %%
positive = network.diagnose({"CD117": "positive"})
{c.code: round(c.probability, 4) for c in positive.posterior}

# %% [markdown]
# ## Odds and decibans
#
# Odds multiply: odds after = odds before × likelihood ratio. In decibans (10 log₁₀) they add, so a
# pathologist can keep a running sum: +10 is ten times the odds, +3 is double.

# %%
import math


def decibans(p):
    return 10 * math.log10(p / (1 - p))


before, after = p_type["GIST"], by_hand["GIST"]
print(f"before {decibans(before):+.1f}, after {decibans(after):+.1f}, "
      f"so CD117 is worth {decibans(after) - decibans(before):+.1f} decibans")

# %% [markdown]
# ## Two stains: the running sum

# %%
from mesenbayes.plots.waterfall import plot_waterfall
from mesenbayes.report.path import evidence_path

both = network.diagnose({"CD117": "positive", "DOG1": "positive"})
path = evidence_path(both, "GIST")
plot_waterfall(path.labels, path.decibans, code="GIST");

# %% [markdown]
# ## Not done is not negative
#
# Leaving a stain out says nothing; a negative one speaks.

# %%
for case in ({}, {"CD117": "negative"}, {"CD117": "negative", "DOG1": "negative"}):
    print(case or "nothing stated", "->", f"P(GIST) = {network.diagnose(case).probabilities[0]:.3f}")

# %% [markdown]
# ## Exercises
#
# 1. CD117 is negative and DOG1 positive. Before you run it: is GIST above or below one half?
# 2. A colleague multiplies the two likelihood ratios of CD117 and DOG1 in *all* non-GIST taken
#    together. Why is that not the same as asking the network?
# 3. How certain is the answer to a single positive CD117? Look at the interval.
#
# ### Worked answers

# %%
one = network.diagnose({"CD117": "negative", "DOG1": "positive"})
one.to_frame().round(3)

# %% [markdown]
# 1. DOG1 keeps GIST alive: about one GIST in ten or twenty is CD117-negative, and DOG1 is rarely
#    positive in anything else.

# %%
rest = [t for t in types if t != "GIST"]
share = {t: p_type[t] / sum(p_type[r] for r in rest) for t in rest}
dog1 = {t: witness(network, "DOG1", "positive", t).probability for t in types}
lr_each = [
    p["GIST"] / sum(share[t] * p[t] for t in rest) for p in (p_positive, dog1)
]
naive = decibans(p_type["GIST"]) + sum(10 * math.log10(lr) for lr in lr_each)
exact = decibans(both.probabilities[0])
print(f"multiplied {naive:+.1f} decibans, exact {exact:+.1f}")

# %% [markdown]
# 2. Given the *type*, the stains are independent here; given only "not a GIST" they are not: the
#    first stain already changes which non-GIST are left. Multiply within types, then add up.

# %%
low, high = positive.leading.interval
print(f"{positive.leading.code}: {positive.leading.probability:.2f}, "
      f"95 % credible interval {low:.2f} to {high:.2f}")

# %% [markdown]
# 3. The interval is what the counted studies leave open about the probability itself. More
#    studies would narrow it; more stains would move it.

# %%
assert max(abs(by_hand[c.code] - c.probability) for c in positive.posterior) < 1e-9
assert one.probabilities[0] > network.diagnose({"CD117": "negative"}).probabilities[0]
