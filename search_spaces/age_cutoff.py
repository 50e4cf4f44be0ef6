"""Whom should training call old, and whom should it leave out near the borders?"""

from search_spaces.language import Space, choice, when

SPACE = Space(
    question="Does training persons of 58 or 59 as old, or leaving out the ages next to a "
    "border, find more of the true old?",
    parameters={
        "train.age_cutoff": choice(58, 59, 60),
        "train.drop_below_60": when("train.age_cutoff", {60: choice(0, 1, 2, 3)}),
        "train.drop_below_30": choice(0, 1, 2, 3),
    },
)
