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
# # 6. Which stains to order: panels and the stop rule
#
# **After this notebook you can** rank tests by what they are expected to tell and by what they are
# worth for the treatment, find the best panel of three, and say when to stop.

# %%
import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "age": 63, "size_cm": 4, "sampling": "core", "morphology": "spindle"}
diagnosis = network.diagnose(case)
diagnosis.to_frame().head(5).round(3)

# %% [markdown]
# ## Information
#
# $$I(T) = \sum_t P(t) \sum_s P(s\mid t)\,\log_2\frac{P(s\mid t)}{P(s)}$$

# %%
for test in diagnosis.next_tests[:6]:
    after = "; ".join(f"{state} ({p:.0%}) → {lead} {q:.0%}" for state, p, lead, q in test.results)
    print(f"{test.bits:.2f} bits  {test.label}: {after}")

# %% [markdown]
# ## Two good tests may be one
#
# A panel is not the best tests in a row: what the first has told, the second need not repeat.

# %%
plan = diagnosis.workup
stains = ["CD117", "DOG1", "desmin", "SMA", "S100", "CD34", "SOX10", "h_caldesmon"]
found = plan.panel(3, among=stains)
print(found.sentence)
singles = [t.variable for t in diagnosis.next_tests if t.variable in stains][:3]
print("three best singles:", ", ".join(singles))
found.to_frame().head(4).round(3)

# %% [markdown]
# ## Worth, price and the stop rule
#
# A test is worth something only if a result can change the plan. The same-decision probability asks
# for *all* open tests together whether the plan would stay.

# %%
print(plan.sentence)

# %%
print(plan.same_decision.sentence)

# %% [markdown]
# ## After two stains

# %%
known = case | {"CD117": "positive", "DOG1": "positive"}
later = network.diagnose(known)
print(f"P({later.leading.code}) = {later.leading.probability:.3f}; best stain now "
      f"{max((t.bits for t in later.next_tests if t.group == 'immunohistochemistry')):.3f} bits")
print(later.workup.same_decision.sentence)

# %% [markdown]
# ## Exercises
#
# 1. By hand: a test with P(+|A) = 0.9, P(+|B) = 0.1 and P(A) = 0.5. How many bits?
# 2. The same test with P(A) = 0.95. Why less?
# 3. Which gene test is left to order after the two stains, and why might it change the plan even
#    though the diagnosis is settled?
#
# ### Worked answers

# %%
import math


def bits(p_a, sensitivity, false_positive):
    total = 0.0
    p_plus = p_a * sensitivity + (1 - p_a) * false_positive
    for p_result, likelihood in ((p_plus, (sensitivity, false_positive)),
                                 (1 - p_plus, (1 - sensitivity, 1 - false_positive))):
        for p, l in ((p_a, likelihood[0]), (1 - p_a, likelihood[1])):
            if p * l:
                total += p * l * math.log2(l / p_result)
    return total


print(f"1. {bits(0.5, 0.9, 0.1):.3f} bits   2. {bits(0.95, 0.9, 0.1):.3f} bits")

# %% [markdown]
# 2. Nothing can tell more than is not yet known, and at 95 % little is: the entropy is 0.29 bits.

# %%
genes = [t for t in later.next_tests if t.group == "molecular"][:2]
print([g.label for g in genes], later.genotype and list(later.genotype)[:3])

# %% [markdown]
# 3. The genotype says nothing more about *which tumour*, and much about *which treatment*: ask for
#    value in the decision, not for bits about the diagnosis.

# %%
assert abs(bits(0.5, 0.9, 0.1) - 0.531) < 1e-3
assert found.best.bits >= max(t.bits for t in diagnosis.next_tests if t.variable in stains)
assert later.next_tests[0].bits < diagnosis.next_tests[0].bits
