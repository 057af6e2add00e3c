"""Bounds without a prior, and the same case under other structures."""

import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "morphology": "spindle", "CD117": "negative", "S100": "positive"}
answer = network.sensitivity(case)
print(answer.robust(1.0).sentence)
print(answer.structural().sentence)
print(answer.structural().to_frame(5))
