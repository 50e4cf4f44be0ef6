"""What was learned: stored results in; leaderboard, ensembles and submissions out."""
