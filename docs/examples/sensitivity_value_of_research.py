"""What it would be worth to know a marker, or to test more cases of one tumour."""

import mesenbayes as mb
from mesenbayes.sensitivity import evpi, evppi, evsi

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "morphology": "spindle", "CD117": "negative", "S100": "positive"}
answer = network.sensitivity(case)
drawn = answer.probabilistic(1000, rng=1)
print(evpi(drawn))
print(evppi(drawn, ["S100", "rows", "outcomes"]))
row = drawn.problem.entries.find_row("S100_expression", tumour="SCHW")
print(evsi(drawn, row, sizes=(10, 50, 250), population=10_000, cost_per_case=1e-3).frame)
