"""How fast may the weights move, and how should that change over the epochs?"""

from search_spaces.language import Space, choice, log_uniform, when

SPACE = Space(
    question="Which learning rate, schedule and weight decay suit this network and these data?",
    parameters={
        "optim.lr": log_uniform(1e-4, 2e-2),
        "optim.weight_decay": log_uniform(1e-5, 0.1),
        "optim.schedule": choice("cosine", "step", "constant"),
        "optim.step_factor": when("optim.schedule", {"step": choice(0.3, 0.5, 0.7)}),
        "train.batch_size": choice(16, 32, 64),
    },
)
