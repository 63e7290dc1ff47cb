"""Probability that a vehicle comes to its next service: beta-geometric/beta-Bernoulli model of attendance.

A vehicle comes to each service that falls due with a probability of its own, until it is lost: before each service it
is lost with a further probability of its own. Both are beta distributed over vehicles. Services attended, the last
attended one and the services fallen due are sufficient (P. S. Fader, B. G. S. Hardie and J. Shang (2010),
Customer-base analysis in a discrete-time noncontractual setting, Marketing Science 29, equations 6 and 13).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln

from ml.domain.arrays import FloatArray

# Before any record: vehicles come to 80 % of their services, and 5 % are lost before each. The prior is normal in the
# logarithms of the four parameters, so that a few dozen vehicles outweigh it.
PRIOR = (4.0, 1.0, 1.0, 19.0)
PRIOR_SPREAD = 1.0
LOG_LIMITS = (-4.0, 12.0)


@dataclass(frozen=True)
class Attendance:
    """Distribution over vehicles of the probabilities to come and to be lost, as returned by `fit_attendance`.

    Attributes
    ----------
    come, miss : float
        Parameters of the beta distribution of the probability to come to a service.
    lost, stay : float
        Parameters of the beta distribution of the probability to be lost before a service.
    """

    come: float = PRIOR[0]
    miss: float = PRIOR[1]
    lost: float = PRIOR[2]
    stay: float = PRIOR[3]

    def log_likelihood(self, attended: npt.ArrayLike, last: npt.ArrayLike, due: npt.ArrayLike) -> FloatArray:
        """Return the log likelihood of each vehicle's record.

        Parameters
        ----------
        attended, last, due : array of int, shape (n_vehicles,)
            Services attended, number of the last attended one (0 without any), and services that fell due, from 0;
            ``attended <= last <= due``.

        Returns
        -------
        ndarray of shape (n_vehicles,)
            Logarithms of probabilities.

        Examples
        --------
        One service fell due and was attended: not lost, and came.

        >>> record = Attendance(come=3.0, miss=1.0, lost=1.0, stay=1.0).log_likelihood([1], [1], [1])
        >>> np.exp(record).round(3).tolist()
        [0.375]
        """
        x, t, n = (np.asarray(v, dtype=np.float64) for v in (attended, last, due))
        come = betaln(self.come, self.miss)
        lost = betaln(self.lost, self.stay)
        total = betaln(self.come + x, self.miss + n - x) - come + betaln(self.lost, self.stay + n) - lost
        for turn in range(int((n - t).max(initial=0))):
            lost_then = betaln(self.come + x, self.miss + t - x + turn) - come
            lost_then = lost_then + betaln(self.lost + 1, self.stay + t + turn) - lost
            total = np.where(turn < n - t, np.logaddexp(total, lost_then), total)
        return np.asarray(total)

    def next_visit(self, attended: npt.ArrayLike, last: npt.ArrayLike, due: npt.ArrayLike) -> FloatArray:
        """Return the probability that each vehicle comes to the service after those that fell due.

        Parameters
        ----------
        attended, last, due : array of int, shape (n_vehicles,)
            As in `log_likelihood`.

        Returns
        -------
        ndarray of shape (n_vehicles,)
            Probabilities. They fall with each service missed, fastest for a vehicle that had always come.

        Examples
        --------
        Without losses the model is beta-binomial: five of six services were attended, prior two of three.

        >>> Attendance(come=2.0, miss=1.0, lost=1e-9, stay=1e3).next_visit([5], [6], [6]).round(3).tolist()
        [0.778]
        """
        x, n = (np.asarray(v, dtype=np.float64) for v in (attended, due))
        comes = betaln(self.come + x + 1, self.miss + n - x) - betaln(self.come, self.miss)
        stays = betaln(self.lost, self.stay + n + 1) - betaln(self.lost, self.stay)
        return np.asarray(np.minimum(np.exp(comes + stays - self.log_likelihood(attended, last, due)), 1.0))


def fit_attendance(attended: npt.ArrayLike, last: npt.ArrayLike, due: npt.ArrayLike) -> Attendance:
    """Estimate the attendance of a fleet: the mode of the posterior, with a weak prior for small fleets.

    Parameters
    ----------
    attended, last, due : array of int, shape (n_vehicles,)
        Services attended, number of the last attended one (0 without any), and services that fell due of each vehicle;
        ``0 <= attended <= last <= due``.

    Returns
    -------
    Attendance
        The prior (80 % come, 5 % are lost before each service) without a vehicle.

    Raises
    ------
    ValueError
        The numbers of a vehicle contradict each other.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> came = rng.random((2_000, 6)) < 0.7
    >>> last = np.where(came.any(axis=1), 6 - came[:, ::-1].argmax(axis=1), 0)
    >>> attendance = fit_attendance(came.sum(axis=1), last, np.full(2_000, 6))
    >>> bool(0.65 < attendance.next_visit([4], [6], [6])[0] < 0.75)
    True
    """
    records = np.stack([np.asarray(v, dtype=np.int64) for v in (attended, last, due)], axis=1)
    x, t, n = records.T
    if ((x < 0) | (x > t) | (t > n) | ((x == 0) != (t == 0))).any():
        raise ValueError("attended must be at most last, last at most due, and last 0 where none was attended")
    rows, weight = np.unique(records, axis=0, return_counts=True)
    prior = np.log(PRIOR)

    def loss(logs: FloatArray) -> float:
        if not ((logs >= LOG_LIMITS[0]) & (logs <= LOG_LIMITS[1])).all():
            return np.inf
        likelihood = Attendance(*np.exp(logs)).log_likelihood(*rows.T) @ weight if len(rows) else 0.0
        return float(0.5 * (((logs - prior) / PRIOR_SPREAD) ** 2).sum() - likelihood)

    options = {"maxiter": 2_000, "xatol": 1e-3, "fatol": 1e-3}
    return Attendance(*map(float, np.exp(minimize(loss, prior, method="Nelder-Mead", options=options).x)))
