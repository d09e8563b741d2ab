"""How often `contrast` finds a planted preference, and how often it sees one where there is none.

    python -m benchmarks.planted_preferences [--users 100]

The users are those of tests/planted.py, with seeds the tests do not use.
"""

from __future__ import annotations

import argparse

from popi_sdk.summarizers.contrast import Contrast
from tests.planted import FEATURES, user_who_likes
from tests.test_contrast_power import SAYS

SEED = 50_000
SHOWN: dict[str, tuple[int, set[int] | float]] = {
    "18 of 20 pairs": (20, {3, 11}),
    "20 pairs, each with chance 0.9": (20, 0.1),
    "8 clean pairs": (8, set()),
}


def found(feature: str, more: bool, pairs: int, reversed_pairs: set[int] | float, users: int) -> int:
    """How many users get the clause; half of them are shown pairs that differ in other ways too."""
    return sum(
        SAYS[feature, more]
        in Contrast().summarize(user_who_likes(feature, more, pairs, reversed_pairs, SEED + user, user % 2 == 0)).text
        for user in range(users)
    )


def without_preference(pairs: int, users: int) -> int:
    """How many users who choose at random get any clause."""
    return sum(
        bool(Contrast().summarize(user_who_likes(FEATURES[user % 4], True, pairs, 0.5, SEED + user, user % 8 < 4)))
        for user in range(users)
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100)
    users = parser.parse_args().users
    kinds = [(feature, more) for feature in FEATURES for more in (True, False)]
    print(f"Found in so many of {users} users:")
    print(" " * 32 + "".join(f"{feature + ('+' if more else '-'):>12}" for feature, more in kinds))
    for shown, (pairs, reversed_pairs) in SHOWN.items():
        print(f"{shown:<32}" + "".join(f"{found(*kind, pairs, reversed_pairs, users):>12}" for kind in kinds))
    print(f"\nAny clause for users who choose at random, of {users}:")
    for pairs in (8, 20, 40):
        print(f"{pairs} pairs: {without_preference(pairs, users)}")


if __name__ == "__main__":
    main()
