"""Everything uncertain at once: posterior, options, acceptability, ranking."""

import mesenbayes as mb

network = mb.load_network("gi-mesenchymal")
case = {"site": "stomach", "morphology": "spindle", "CD117": "negative", "S100": "positive"}
answer = network.sensitivity(case)
drawn = answer.probabilistic(1000, rng=1)
print(drawn.sentence)
print(drawn.differential().head(), drawn.options(), drawn.ranking(), sep="\n\n")
costs = {option: 1000.0 * i for i, option in enumerate(drawn.options()["option"])}
print(drawn.acceptability(costs, willingness=[20_000, 50_000]))
