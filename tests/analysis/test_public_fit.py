"""The line of public against out-of-fold scores is least squares, and is drawn from three on."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

from analysis.ledger import Estimate, Making, PublicScore, enter_score, read_ledger, record
from analysis.public_fit import fit, fit_figure, fit_page, scored, sentence
from trainable.settings import UserError

SCORES = ((0.2, 0.15), (0.3, 0.27), (0.4, 0.31), (0.5, 0.45))
"""Out-of-fold and public."""


@pytest.fixture
def submit(tmp_path):
    """Records a submission with both scores and returns all that have them."""

    def of(*scores: tuple[float, float], image: str = "a.jpg", method: str = "soft"):
        for own, public in scores:
            answers = pd.Series([0, len(read_ledger(tmp_path).submissions)], index=[image, "z.jpg"])
            estimate = Estimate(value=own, low=own - 0.05, high=own + 0.1)
            made = Making(experiment="e", method=method, members=[], out_of_fold=estimate)
            number = record(tmp_path, answers, made).submission.number
            enter_score(tmp_path, str(number), PublicScore(macro_f1=public))
        return scored(read_ledger(tmp_path))

    return of


def test_line_is_least_squares(submit):
    found, expected = fit(submit(*SCORES)[0]), linregress(*np.transpose(SCORES))
    assert (found.slope, found.intercept) == pytest.approx((expected.slope, expected.intercept))
    # At x = 0 the line is its intercept, whose standard error SciPy gives; 4.303 is t of 2 degrees.
    band = found.band(np.zeros(1))
    assert band == pytest.approx(4.302653 * expected.intercept_stderr)


def test_fewer_than_three_scores_have_no_line_and_it_is_said(submit):
    known, _ = submit(*SCORES[:2])
    assert fit(known) is None
    assert "no line: a line takes 3 different scores" in sentence(known)
    names = [trace.name for trace in fit_figure(known).data]
    assert names == ["public = out-of-fold", "submissions"]


def test_equal_out_of_fold_scores_have_no_line(submit):
    known, _ = submit((0.3, 0.1), (0.3, 0.2), (0.3, 0.3))
    assert fit(known) is None
    assert "all out-of-fold scores are alike" in sentence(known)


def test_figure_has_points_with_intervals_both_lines_and_the_band(submit):
    traces = {trace.name: trace for trace in fit_figure(submit(*SCORES)[0]).data}
    assert set(traces) == {
        "public = out-of-fold",
        "95 % interval of the line",
        "fitted",
        "submissions",
    }
    points = traces["submissions"]
    assert list(zip(points.x, points.y, strict=True)) == list(SCORES)
    assert points.error_x.array == pytest.approx([0.1] * 4)
    assert points.error_x.arrayminus == pytest.approx([0.05] * 4)


def test_sentence_gives_the_gap_and_the_slope(submit):
    assert sentence(submit(*SCORES)[0]) == (
        "4 public score(s): 0.2950 in the mean, -0.0550 against out-of-fold; 0.01 more out-of-fold "
        "went with +0.0094 public"
    )


def test_scores_for_other_eval_images_are_counted_and_left_out(submit):
    submit(*SCORES[:2])
    known, others = submit(SCORES[2], image="another.jpg")
    assert ([one.number for one in known], others) == ([3], 2)


def test_no_public_score_names_the_option_that_enters_one(tmp_path):
    with pytest.raises(UserError, match="--score <number>=<macro-F1>"):
        scored(read_ledger(tmp_path))


def test_page_needs_no_network_and_escapes_names(submit):
    known, others = submit(*SCORES, method="<script>alert(1)</script>")
    page = fit_page(known, others)
    assert "<script>alert(1)" not in page
    assert "cdn.plot" not in page.split("</script>")[-1]
    assert "Plotly.newPlot" in page
