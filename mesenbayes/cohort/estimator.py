"""A network in the shape that scikit-learn expects, for its cross-validation and displays.

scikit-learn sorts class labels; so does ``classes_`` here, and the columns of
``predict_proba`` follow it. :meth:`Network.diagnose_frame` keeps the vocabulary's order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from mesenbayes.cohort.frame import diagnose_frame
from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network as a scikit-learn classifier.

    Parameters
    ----------
    network
        The network.
    target
        Variable to predict.
    prior_weight
        None leaves the network as it is; ``fit`` then only checks the labels. A number lets
        ``fit`` learn, with the published evidence as a prior of that weight.
    ignore_unknown
        Leave out columns that the network does not know.
    """

    def __init__(
        self,
        network: Network | None = None,
        target: str = "tumour",
        prior_weight: float | None = None,
        ignore_unknown: bool = False,
    ) -> None:
        self.network = network
        self.target = target
        self.prior_weight = prior_weight
        self.ignore_unknown = ignore_unknown

    def __sklearn_clone__(self) -> NetworkClassifier:
        """A network does not change: a clone shares it instead of copying its tables."""
        return type(self)(**self.get_params(deep=False))

    def fit(self, X: pd.DataFrame, y: Any = None) -> NetworkClassifier:
        """Check the labels; learn from the cases if `prior_weight` says so.

        ``cross_val_predict(..., method="predict_proba")`` of scikit-learn replaces the labels by
        numbers that mean nothing here: leave `y` out of that call, a network needs none.

        Raises
        ------
        CaseError
            For a label that is no state of the target.
        """
        if self.network is None:
            raise CaseError("the classifier has no network")
        states = self.network.variable(self.target).states
        self.classes_ = np.array(sorted(states), dtype=object)
        self.network_ = self.network
        if y is None:
            return self
        labels = np.asarray(y, dtype=object)
        strange = sorted({str(label) for label in labels} - set(states))
        if strange:
            raise CaseError(f"'{strange[0]}' is not a state of {self.target}")
        if self.prior_weight is not None:
            from mesenbayes.cohort.learn import learn

            known = X.assign(**{f"true_{self.target}": labels})
            self.network_ = learn(
                self.network, known, target=self.target, prior_weight=self.prior_weight,
                ignore_unknown=self.ignore_unknown,
            ).network  # fmt: skip
        return self

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return P(class | findings), (cases, classes), columns in the order of ``classes_``."""
        posterior = diagnose_frame(
            self.network_, X, target=self.target, ignore_unknown=self.ignore_unknown
        )
        return np.asarray(posterior[list(self.classes_)].to_numpy())

    def predict(self, X: pd.DataFrame) -> NDArray[np.object_]:
        """Return the most probable class of every row."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
