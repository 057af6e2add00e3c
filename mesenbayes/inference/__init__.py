"""Exact, batched, differentiable inference. Read :mod:`.plan` first: it is the design.

>>> compiled = compile_network(network)                              # doctest: +SKIP
>>> result = compiled.run(codes, targets=("tumour", "genotype"))     # doctest: +SKIP
>>> result.posterior["tumour"]                                       # doctest: +SKIP
"""

from mesenbayes.inference.compiled import CompiledNetwork, compile_network
from mesenbayes.inference.explanation import Explanation
from mesenbayes.inference.gradient import Gradient
from mesenbayes.inference.posterior import Posteriors

__all__ = ["CompiledNetwork", "Explanation", "Gradient", "Posteriors", "compile_network"]
