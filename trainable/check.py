"""Would anything stop a trial? Asked before it is started."""

from trainable.config import TrialConfig
from trainable.dataset import FaceData, load_data
from trainable.device import select_device
from trainable.model import check_backbone, make_model
from trainable.sampling import check_mixing, training_side
from trainable.settings import UserError


def check_trial(config: TrialConfig) -> list[FaceData]:
    """Raise UserError for all that would stop the trial; return the data of each network.

    Checks each network's backbone, pretrained weights and data, and the folds for leaks.
    """
    if config.cv.folds == 0:
        raise UserError(
            "cv.folds=0 validates on nobody, so there is no score to go by; to train a scored "
            "trial on all persons: python -m trainable.final trial=runs/<experiment>/<trial>"
        )
    return [_check_network(own) for own in config.member_configs().values()]


def _check_network(config: TrialConfig) -> FaceData:
    select_device(config.machine, sam_rho=config.optim.sam_rho)
    check_backbone(config.model, (config.data.image_height, config.data.image_width))
    if config.model.pretrained:
        make_model(config.model)
    data = load_data(config.data)
    folds = data.folds(config.cv)
    for fold in folds if config.augment.horizontal_cutmix else []:
        check_mixing(training_side(config, data, fold), config)
    return data
