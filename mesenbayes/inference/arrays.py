"""Which library holds the tables: numpy, or one that follows it on another device.

The two passes call only functions that numpy, JAX and CuPy share under one name. Evidence is
encoded on the host, the tables live where the library puts them, and answers come back as
numpy arrays. A batch is then cut to the memory limit alone: set it to what the device has.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import MesenbayesError, did_you_mean, nearest

LIBRARIES = {"numpy": "numpy", "jax": "jax.numpy", "cupy": "cupy"}


def array_library(name: str) -> Any:
    """Return the array namespace called `name`.

    Raises
    ------
    MesenbayesError
        If it is unknown, not installed, or computes in single precision.
    """
    if name not in LIBRARIES:
        raise MesenbayesError(
            f"there is no array library '{name}'{did_you_mean(nearest(name, LIBRARIES))}; "
            f"known are {', '.join(LIBRARIES)}"
        )
    try:
        xp = importlib.import_module(LIBRARIES[name])
    except ImportError:
        raise MesenbayesError(
            f"the array library '{name}' is not installed; numpy needs nothing more"
        ) from None
    if xp.asarray(np.ones(1)).dtype != np.float64:
        raise MesenbayesError(
            f"{name} computes in single precision here, which is not exact enough: set "
            "JAX_ENABLE_X64=1 before Python starts"
        )
    return xp


def on_host(array: Any) -> NDArray[np.float64]:
    """Return an array of any library, or a number, as a numpy array."""
    return np.asarray(array.get() if hasattr(array, "get") else array)
