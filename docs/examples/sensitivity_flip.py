"""What would have to be wrong for the second diagnosis to win, or the treatment to change."""

import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "morphology": "spindle", "CD117": "negative", "S100": "positive"}
answer = network.sensitivity(case)
print(answer.flips().sentence)
print(answer.flips().to_frame().head())
print(answer.treatment_flips(("parameter", "finding")).sentence)
