"""What rests on each finding and on each source, and what the next results could do."""

import mesenbayes as mb
from mesenbayes.sensitivity import Sensitivity, for_cases

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "morphology": "spindle", "CD117": "negative", "S100": "positive"}
answer = network.sensitivity(case)
print(answer.without_each_finding())
print(answer.sources().head())
print(answer.worst_and_best())
batch = [network.sensitivity(c) for c in (case, {**case, "S100": "negative"})]
print(for_cases(batch, Sensitivity.without_each_finding))
