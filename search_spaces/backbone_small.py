"""Which small network learns most in the time that two cores have?"""

from search_spaces.language import Space, choice, log_uniform

SPACE = Space(
    question="Which small backbone is best on a machine with no GPU?",
    parameters={
        "model.backbone": choice(
            "mobilenetv3_small_050",
            "mobilenetv3_small_075",
            "mobilenetv3_small_100",
            "lcnet_050",
            "tinynet_e",
            "resnet10t",
        ),
        "model.heads": choice("joint", "multi"),
        "optim.lr": log_uniform(3e-4, 1e-2),
    },
)
