"""What is a process of Ray told of a leg, and what does it tell of each step? By which words?"""

BASE, EXPERIMENT, EXPECTED = "base", "experiment", "expected"
"""Keys of what every leg of a search shares: the trials' base as JSON, the experiment's folder, and
what a machine must be like, as JSON."""
TRIAL, KNOWN, RELIEF, PLACE = "trial", "known", "relief", "place"
"""Keys of a leg: the trial's name, the step up to which its results are known, how often it ran out
of memory, and with what of which machines it is run."""
OWN = (BASE, EXPERIMENT, EXPECTED, TRIAL, KNOWN, RELIEF, PLACE)
"""Keys that are no dotted path of a setting."""
BEST, STEP, EPOCH, NODES, NOTICE = "best_score", "step", "epoch", "nodes", "notice"
"""Keys of a result: best score so far, steps trained, the epoch's record as JSON, Ray's names of
its processes' machines, an unfit one first, and what was amiss with the trial's stored state."""
FAILURE, OUT_OF_MEMORY, UNFIT = "failure", "out_of_memory", "unfit"
"""Keys of a result with no epoch: why the trial cannot go on, or not in this way, or not here."""
