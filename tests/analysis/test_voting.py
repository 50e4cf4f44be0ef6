import numpy as np

from analysis.voting import ENSEMBLE, ballot, hard_vote, soft_vote


def one_image(*models: list[float]) -> np.ndarray:
    return np.array(models)[:, np.newaxis]


def test_soft_vote_takes_the_highest_mean():
    stack = one_image([0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 0.9, 0.1])
    assert soft_vote(stack).tolist() == [1]


def test_hard_vote_takes_the_majority_where_the_mean_says_otherwise():
    stack = one_image([0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 0.9, 0.1])
    assert hard_vote(stack).tolist() == [0]


def test_summed_probabilities_decide_a_hard_tie():
    stack = one_image([0.6, 0.4, 0.0], [0.1, 0.9, 0.0])
    assert hard_vote(stack).tolist() == [1]


def test_a_class_without_the_most_votes_never_wins_a_hard_tie():
    stack = one_image([0.51, 0.0, 0.49], [0.0, 0.51, 0.49])
    assert soft_vote(stack).tolist() == [2]
    assert hard_vote(stack).tolist() == [0]


def test_each_image_is_voted_on_by_itself():
    stack = np.random.default_rng(0).dirichlet(np.ones(18), size=(5, 40))
    for vote in (soft_vote, hard_vote):
        alone = [vote(stack[:, [i]])[0] for i in range(40)]
        assert vote(stack).tolist() == alone


def test_one_model_is_its_own_ensemble():
    stack = np.random.default_rng(0).dirichlet(np.ones(18), size=(1, 40))
    for method in ("soft", "hard"):
        answers = ballot(["only"], stack, method)
        np.testing.assert_array_equal(answers["only"], answers[ENSEMBLE])
