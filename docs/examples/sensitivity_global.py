"""Which sources and rows make the answer uncertain, interactions included."""

import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "morphology": "spindle", "CD117": "negative", "S100": "positive"}
answer = network.sensitivity(case)
print(answer.morris(trajectories=4, rng=1).head())
print(answer.sobol("source", n=256, rng=1).to_frame("SCHW").head())
