"""What a figure over users is worth: shares, and intervals that know that one user's pairs resemble each other.

Users are drawn, not pairs: what was measured on two hundred pairs of five users says little about the sixth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from popi_sdk.errors import ConfigError

_AT_A_TIME = 1_000_000
"""Users drawn at once, so that many users and many samples do not fill the memory."""

_NO_WIDTH = 1e-12


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the bounds it lies between with the confidence asked for; the bounds of a single user are NaN."""

    mean: float
    low: float
    high: float

    def as_json(self, name: str = "mean") -> dict[str, float | None]:
        """The three numbers, the mean under `name`; a bound that is not known is None, as JSON has no NaN.

        >>> Interval(0.5, math.nan, math.nan).as_json("accuracy")
        {'accuracy': 0.5, 'low': None, 'high': None}
        """
        known = {name: self.mean, "low": self.low, "high": self.high}
        return {key: None if math.isnan(value) else value for key, value in known.items()}


def by_user(users: Sequence[str], values: Sequence[float]) -> dict[str, list[float]]:
    """Group `values` by the user in the same place; users stand in the order in which they first appear.

    >>> by_user(["ada", "bo", "ada"], [1.0, 0.0, 0.5])
    {'ada': [1.0, 0.5], 'bo': [0.0]}
    """
    grouped: dict[str, list[float]] = {}
    for user, value in zip(users, values, strict=True):
        grouped.setdefault(user, []).append(value)
    return grouped


def bootstrap_over_users(
    values_by_user: Mapping[str, Sequence[float]], *, confidence: float = 0.95, samples: int = 2000, seed: int = 0
) -> Interval:
    """The mean over all pairs, and its percentile interval when users are drawn with replacement.

    A drawn user brings all of the user's pairs. The percentiles are widened for few users as Hesterberg does ("What
    Teachers Should Know about the Bootstrap", 2015, expanded percentile interval); without that, the interval of ten
    users is too narrow by about a sixth, and below five users it is too narrow even so. The same values and seed give
    the same interval.

    Raises:
        ConfigError: no values, or one that is NaN or infinite; a confidence outside 0 to 1; no samples.
    """
    sums, counts = _totals(values_by_user)
    mean = float(sums.sum() / counts.sum())
    return _bounded(mean, _drawn_totals((sums, counts), samples, seed), len(sums), confidence)


def paired_bootstrap(
    first: Mapping[str, Sequence[float]],
    second: Mapping[str, Sequence[float]],
    *,
    confidence: float = 0.95,
    samples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The mean of `first` minus `second` on the same pairs, with its interval over users.

    Narrower than two intervals side by side, as what makes a pair easy for both falls out.

    Raises:
        ConfigError: the two do not hold the same users with the same number of pairs.
    """
    differences = differences_by_user(first, second)
    return bootstrap_over_users(differences, confidence=confidence, samples=samples, seed=seed)


def differences_by_user(
    first: Mapping[str, Sequence[float]], second: Mapping[str, Sequence[float]]
) -> dict[str, list[float]]:
    """Each value of `first` minus the one in its place in `second`.

    Raises:
        ConfigError: the two do not hold the same users with the same number of pairs.
    """
    _refuse_other_pairs(first, second)
    return {user: [one - other for one, other in zip(first[user], second[user], strict=True)] for user in first}


def ratio_over_users(
    parts: Mapping[str, Sequence[float]],
    wholes: Mapping[str, Sequence[float]],
    *,
    confidence: float = 0.95,
    samples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The sum of `parts` over the sum of `wholes`, such as a gain as a share of the largest one there could be.

    A drawn user brings both. Where the sum of `wholes` may well be 0 or less (its own interval reaches there), a ratio
    to it has no bounds, as Fieller showed (1954), and both are NaN.

    Raises:
        ConfigError: the two do not hold the same users and pairs, or the sum of `wholes` is not above 0.
    """
    _refuse_other_pairs(parts, wholes)
    tops, bottoms = _totals(parts)[0], _totals(wholes)[0]
    if bottoms.sum() <= 0:
        raise ConfigError("There is no share of a whole that is not above 0.")
    ratio = float(tops.sum() / bottoms.sum())
    if not bootstrap_over_users(wholes, confidence=confidence, samples=samples, seed=seed).low > 0:
        return Interval(ratio, math.nan, math.nan)
    drawn = _drawn_totals((tops, bottoms), samples, seed)
    return _bounded(ratio, drawn[:, drawn[1] > 0], len(tops), confidence)


def share_over_users(
    shares_by_user: Mapping[str, Sequence[float]], *, confidence: float = 0.95, samples: int = 2000, seed: int = 0
) -> Interval:
    """`bootstrap_over_users` for values from 0 to 1, such as scores of pairs or won comparisons.

    Where every user has the same mean, drawing users cannot tell how sure that is: thirty users of thirty who won would
    give an interval without width. There Wilson's interval stands, each user counted as one draw.

    Raises:
        ConfigError: as `bootstrap_over_users`, or a value outside 0 to 1.
    """
    if any(not 0 <= value <= 1 for values in shares_by_user.values() for value in values):
        raise ConfigError("A share lies between 0 and 1.")
    interval = bootstrap_over_users(shares_by_user, confidence=confidence, samples=samples, seed=seed)
    if interval.high - interval.low < _NO_WIDTH:
        users = len(shares_by_user)
        return wilson_interval(interval.mean * users, users, confidence=confidence)
    return interval


def wilson_interval(wins: float, trials: int, *, confidence: float = 0.95) -> Interval:
    """The share of independent trials that were won, with Wilson's score interval (1927); a tie is half a win.

    Raises:
        ConfigError: no trials, or more wins than trials.

    >>> [round(bound, 3) for bound in (wilson_interval(30, 30).low, wilson_interval(30, 30).high)]
    [0.886, 1.0]
    """
    if trials < 1 or not 0 <= wins <= trials:
        raise ConfigError(f"{wins:g} of {trials} is no share.")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = wins / trials
    centre = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    return Interval(share, max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale))


def exact_interval(wins: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """The share of independent trials that were won, with Clopper and Pearson's interval (1934).

    It is the sign test turned round: it lies above one half where the exact two-sided test says so, and it is never too
    narrow, however few the trials.

    Raises:
        ConfigError: no trials, or more wins than trials.

    >>> [round(bound, 3) for bound in (exact_interval(6, 6).low, exact_interval(6, 6).high)]
    [0.541, 1.0]
    """
    if trials < 1 or not 0 <= wins <= trials:
        raise ConfigError(f"{wins:g} of {trials} is no share.")
    tail = (1 - confidence) / 2
    # So many wins or more are as likely as `tail` at the lower bound, so many or fewer at the upper one.
    low = _share_at_which(lambda share: _at_least(wins, trials, share) >= tail) if wins else 0.0
    high = _share_at_which(lambda share: 1 - _at_least(wins + 1, trials, share) <= tail) if wins < trials else 1.0
    return Interval(wins / trials, low, high)


def _share_at_which(reached: Callable[[float], bool]) -> float:
    """The least share from 0 to 1 that makes `reached` true, by halving."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _at_least(wins: int, trials: int, share: float) -> float:
    """Chance of so many wins or more when each trial is won with chance `share`, above 0 and below 1."""
    chances = (
        math.lgamma(trials + 1) - math.lgamma(won + 1) - math.lgamma(trials - won + 1)
        + won * math.log(share) + (trials - won) * math.log1p(-share)
        for won in range(wins, trials + 1)
    )  # fmt: skip
    return math.fsum(map(math.exp, chances))


def _refuse_other_pairs(first: Mapping[str, Sequence[float]], second: Mapping[str, Sequence[float]]) -> None:
    if first.keys() != second.keys() or any(len(first[user]) != len(second[user]) for user in first):
        raise ConfigError("Two controls can be compared only on the same users and pairs.")


def _totals(values_by_user: Mapping[str, Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of each user's values, shape (users,); users without values are left out."""
    values = [np.asarray(values, dtype=np.float64) for values in values_by_user.values() if len(values)]
    if not values:
        raise ConfigError("There are no values to take the mean of.", hint="Give at least one user with one pair.")
    if not all(np.isfinite(one).all() for one in values):
        raise ConfigError("A value is NaN or infinite.", hint="Look for overflowing log-probabilities.")
    return np.array([one.sum() for one in values]), np.array([len(one) for one in values], dtype=np.float64)


def _drawn_totals(totals: tuple[np.ndarray, np.ndarray], samples: int, seed: int) -> np.ndarray:
    """Both sums in each of `samples` draws of as many users as there are, shape (2, samples)."""
    if samples < 1:
        raise ConfigError("An interval needs at least one sample.")
    random = np.random.default_rng(seed)
    users = len(totals[0])
    rows = max(1, _AT_A_TIME // users)
    draws = (random.integers(0, users, size=(min(rows, samples - done), users)) for done in range(0, samples, rows))
    return np.concatenate([np.stack([total[drawn].sum(axis=1) for total in totals]) for drawn in draws], axis=1)


def _bounded(ratio: float, drawn: np.ndarray, users: int, confidence: float) -> Interval:
    """`ratio` with the percentiles of the drawn ratios; `drawn` holds their tops and bottoms, shape (2, samples)."""
    if not 0 < confidence < 1:
        raise ConfigError("An interval needs a confidence between 0 and 1.")
    if users == 1:
        return Interval(ratio, math.nan, math.nan)
    tail = _expanded_tail(1 - confidence, users)
    low, high = np.quantile(drawn[0] / drawn[1], [tail, 1 - tail])
    return Interval(ratio, float(low), float(high))


def _expanded_tail(outside: float, users: int) -> float:
    """The share of bootstrap means to cut off at each end so that `outside` of the truths fall outside, not more.

    Resampling n users spreads as if there were n / (n - 1) times as many, and takes the normal law for Student's.
    """
    tail = NormalDist().cdf(math.sqrt(users / (users - 1)) * _student_quantile(outside / 2, users - 1))
    return min(tail, outside / 2)


def _student_quantile(share: float, freedom: int) -> float:
    """Quantile of Student's t by its expansion around the normal one (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(share)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
