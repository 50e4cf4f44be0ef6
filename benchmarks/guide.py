"""The search as Ray's own PyTorch guide writes it: `python -m benchmarks.guide <root> <storage>`.

After https://docs.ray.io/en/latest/tune/examples/tune-pytorch-cifar.html: a function that builds
its data loaders, trains and validates, and reports each epoch with a checkpoint; ASHA and Ray's
defaults (an actor of its own for each trial, Ray's loggers). It trains the network, image size,
split, batches and epochs of our search, and draws what such a script expresses of its space.

Where one could choose, what is faster was chosen:
* one CPU a trial, so that two trials fill two cores, as in our search;
* no loader processes: both cores are busy with trials, so a loader process takes its time from
  a trial, and starting it and passing batches adds to it (measured: one loader process made an
  epoch cost 20-24 s of a core instead of 18-19 s);
* ASHA's grace and reduction are ours; the guide's own (1 and 2) stop more trials after one
  epoch, and an actor's start is then paid for fewer epochs;
* the files are listed once by the driver and passed with ``with_parameters``;
* the guide's test of the best model at the end is left out, although our search predicts the
  eval images with its best eight.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import timm
import torch
from PIL import Image
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import ops, transforms

BACKBONE = "mobilenetv3_small_050"
CLASSES = 18
BATCH_SIZE = 32
IMAGE_SIZE = (96, 72)
NORMALIZE = transforms.Normalize((0.548, 0.504, 0.479), (0.237, 0.247, 0.246))
LOADER_PROCESSES = 0
SPACE = {
    "lr": tune.loguniform(3e-4, 1e-2),
    "loss": tune.choice(["cross_entropy", "focal"]),
    "flip": tune.uniform(0.0, 0.5),
    "brightness_contrast": tune.uniform(0.0, 0.8),
    "erasing": tune.uniform(0.0, 0.6),
}
Config = dict[str, Any]


@dataclass(frozen=True)
class Images:
    """Image files and their classes."""

    files: list[str]
    labels: list[int]


@dataclass(frozen=True)
class Split:
    """What every trial gets: both sides, and for how many epochs to train."""

    train: Images
    validation: Images
    epochs: int


class FaceImages(Dataset[tuple[torch.Tensor, int]]):
    """Decodes an image whenever it is asked for."""

    def __init__(self, images: Images, transform: Callable[[Image.Image], torch.Tensor]) -> None:
        self._images = images
        self._transform = transform

    def __len__(self) -> int:
        return len(self._images.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(self._images.files[index]) as image:
            return self._transform(image.convert("RGB")), self._images.labels[index]


def load_data(config: Config, split: Split) -> tuple[FaceImages, FaceImages]:
    """Return the training images, augmented as ``config`` says, and the validation images."""
    jitter = transforms.ColorJitter(brightness=0.2, contrast=0.2)
    augmented = transforms.Compose(
        [
            transforms.Resize(IMAGE_SIZE),
            transforms.RandomHorizontalFlip(config["flip"]),
            transforms.RandomApply([jitter], config["brightness_contrast"]),
            transforms.ToTensor(),
            NORMALIZE,
            transforms.RandomErasing(config["erasing"], scale=(0.02, 0.1)),
        ]
    )
    plain = transforms.Compose([transforms.Resize(IMAGE_SIZE), transforms.ToTensor(), NORMALIZE])
    return FaceImages(split.train, augmented), FaceImages(split.validation, plain)


def focal_loss(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return torchvision's focal loss of each class against all others."""
    targets = nn.functional.one_hot(labels, CLASSES).float()
    return ops.sigmoid_focal_loss(outputs, targets, reduction="sum") / len(labels)


def train_faces(config: Config, split: Split) -> None:
    """Train one trial and report each epoch."""
    net = timm.create_model(BACKBONE, num_classes=CLASSES)
    criterion = focal_loss if config["loss"] == "focal" else nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=config["lr"])
    load_checkpoint(net, optimizer)
    train, validation = load_data(config, split)
    train_loader = DataLoader(train, BATCH_SIZE, shuffle=True, num_workers=LOADER_PROCESSES)
    validation_loader = DataLoader(validation, BATCH_SIZE, num_workers=LOADER_PROCESSES)
    for _ in range(split.epochs):
        net.train()
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            criterion(net(inputs), labels).backward()
            optimizer.step()
        report(net, optimizer, accuracy(net, validation_loader))


def load_checkpoint(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Take the state of an earlier attempt, if there is one."""
    checkpoint = tune.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            net_state, optimizer_state = torch.load(Path(folder) / "checkpoint.pt")
        net.load_state_dict(net_state)
        optimizer.load_state_dict(optimizer_state)


def accuracy(net: nn.Module, loader: DataLoader[tuple[torch.Tensor, int]]) -> float:
    """Return the share of images that are classified correctly."""
    net.eval()
    correct = total = 0
    with torch.no_grad():
        for inputs, labels in loader:
            correct += (net(inputs).argmax(1) == labels).sum().item()
            total += len(labels)
    return correct / total


def report(net: nn.Module, optimizer: torch.optim.Optimizer, score: float) -> None:
    """Save a checkpoint and tell Ray the epoch's result."""
    with tempfile.TemporaryDirectory() as folder:
        torch.save((net.state_dict(), optimizer.state_dict()), Path(folder) / "checkpoint.pt")
        checkpoint = tune.Checkpoint.from_directory(folder)
        tune.report({"accuracy": score}, checkpoint=checkpoint)


def split_of(root: Path, epochs: int) -> Split:
    """Return the person split that our search makes."""
    from trainable.config import CvConfig
    from trainable.folds import make_folds
    from trainable.table import read_table

    table = read_table(root).images
    (fold,) = make_folds(table, CvConfig())
    sides = [table.iloc[rows] for rows in (fold.train, fold.validation)]
    train, validation = (
        Images([str(root / image) for image in side["image"]], side["label"].tolist())
        for side in sides
    )
    return Split(train, validation, epochs)


def main(root: Path, storage: Path, trials: int, epochs: int) -> None:
    """Search as the guide does, with Optuna's sampler."""
    ray.init(address="local")
    trainable = tune.with_parameters(train_faces, split=split_of(root, epochs))
    tuner = tune.Tuner(
        tune.with_resources(trainable, resources={"cpu": 1}),
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            search_alg=OptunaSearch(),
            scheduler=ASHAScheduler(max_t=epochs, grace_period=min(2, epochs), reduction_factor=3),
            num_samples=trials,
        ),
        run_config=tune.RunConfig(name="guide", storage_path=str(storage)),
        param_space=SPACE,
    )
    print(tuner.fit().get_best_result().config)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
