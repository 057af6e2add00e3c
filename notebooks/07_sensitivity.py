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
# # 7. Sensitivity of a diagnosis and of a decision
#
# **After this notebook you can** say which number of the network an answer hangs on, how far it
# would have to be wrong to change the diagnosis, and whether it would change the treatment.

# %%
import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "age": 60, "size_cm": 4, "morphology": "spindle",
        "CD117": "negative", "S100": "positive", "mitoses_per_5mm2": 2}
answer = network.sensitivity(case)
print(answer.sentence)

# %% [markdown]
# ## One number at a time
#
# The posterior is a quotient of two linear functions of every table entry θ,
#
# $$P(h\mid e)(\theta) = \frac{a\theta + b}{c\theta + d},$$
#
# so one backward pass gives the whole curve of every entry. The tornado moves each through the
# credible interval that its counts leave open.

# %%
from mesenbayes.plots.tornado import plot_tornado

bars = answer.tornado(shown=8)
plot_tornado(bars);

# %%
bars.to_frame()[["low", "high", "at_low", "at_high", "sources"]].head(5).round(3)

# %% [markdown]
# ## What would turn it over?

# %%
print(answer.flips().sentence)

# %% [markdown]
# ## And the treatment?

# %%
decision = answer.diagnosis.decision
print(decision.option(decision.recommended).label)
print(answer.treatment_tornado().sentence)

# %% [markdown]
# ## Exercises
#
# 1. Which single finding would you check again before anything else?
# 2. By hand: prior odds 1 : 9, likelihood ratio 0.8/0.1. At which false-positive rate does the
#    posterior fall to one half?
# 3. Why can a diagnosis be fragile and the treatment firm?
#
# ### Worked answers

# %%
answer.without_each_finding().head(7).round(3)

# %%
prior, sensitivity = 1 / 9, 0.8
print(f"posterior odds 1 when the false-positive rate is {prior * sensitivity:.4f}")

# %% [markdown]
# 3. Several diagnoses share a treatment: what moves belief between them moves nothing that matters.
#    The reverse happens too: a genotype moves no diagnosis and turns the treatment over.

# %%
assert abs(bars.baseline - answer.diagnosis.leading.probability) < 1e-9
frame = bars.to_frame()
assert ((frame["at_low"] - frame["at_high"]).abs().diff().dropna() <= 1e-9).all()
