"""Every parameter as a function, the tornado, one curve under another co-variation."""

import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "morphology": "spindle", "CD117": "negative", "S100": "positive"}
answer = network.sensitivity(case)
print(answer.tornado().sentence)
print(answer.one_way.to_frame().head())  # value, derivative, admissible interval, sources
answer.tornado().plot().figure.savefig("tornado.svg")
curve = answer.function("S100_expression", "present", "uniform", tumour="SCHW")
print(dict(zip(curve.names, curve(0.5).round(3), strict=True)))
