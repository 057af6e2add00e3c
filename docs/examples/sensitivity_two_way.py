"""Two parameters at once, with the regions in which each diagnosis leads."""

import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "morphology": "spindle", "CD117": "negative", "S100": "positive"}
answer = network.sensitivity(case)
first = answer.parameter("S100_expression", "present", tumour="SCHW")
second = answer.parameter("S100_expression", "present", tumour="LM")
surface = answer.two_way(first, second)
surface.plot("SCHW").figure.savefig("surface.png")
print(surface.to_frame().groupby("chosen").size())
