"""What stands on the page? Everything counted, measured and drawn, poured into one HTML file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.data.alike import ALIKE, Alike, identical_files, near_identical
from analysis.data.class_sheets import class_sheets
from analysis.data.counts import Counts, count
from analysis.data.figures import age_figure, class_figure, task_figure
from analysis.data.files import image_sizes
from analysis.data.first_batch import SHOWN, FirstBatch, Refusal, first_batches
from analysis.data.photos import Photos, readable_photos
from analysis.data.summary import summary
from analysis.figures import figure_html
from analysis.pages import Part, render
from analysis.sheets import data_uri, face
from trainable.config import TrialConfig
from trainable.dataset import FaceData, load_data
from trainable.labels import CLASS_NAMES, MIDDLE_AGE, OLD_AGE
from trainable.normalization import COMPETITION, IMAGENET, Normalization, measured
from trainable.sections.data import DataConfig

MOST_LISTED = 24
"""Lines of a list: image sizes, unreadable images, identical files, near-identical pairs."""
TEMPLATE = Path(__file__).with_name("data.html.jinja")


@dataclass(frozen=True)
class Shown:
    """How many faces a contact sheet shows, and the seed that chooses them."""

    faces: int
    seed: int


def data_page(config: TrialConfig, shown: Shown) -> str:
    """Return the page about a trial's data, complete in itself.

    Images are counted, measured and compared whole; only the first batch follows the trial's own
    crop, size and augmentation.
    """
    whole = DataConfig(
        root=config.data.root, follow_links=config.data.follow_links, skip_unreadable=True
    )
    data = load_data(whole)
    photos, counts = readable_photos(data), count(data)
    images = data.images.drop(index=list(data.cache.unreadable))
    sheets = class_sheets(data.root, images, shown.faces, shown.seed)
    return render(
        TEMPLATE,
        {
            "config": config,
            "counts": counts,
            "summary": summary(counts, config),
            "figures": _figures(counts, config),
            "sizes": _sizes(data.root, photos),
            "colours": _colours(config, data),
            **_alike(data.root, photos),
            "batches": [_batch(found) for found in first_batches(config)],
            "sheets": list(zip(CLASS_NAMES, counts.classes, sheets, strict=True)),
            "most": MOST_LISTED,
            "threshold": ALIKE,
        },
    )


def _figures(counts: Counts, config: TrialConfig) -> Mapping[str, str]:
    cutoffs = {f"{MIDDLE_AGE}": MIDDLE_AGE, f"{OLD_AGE}": OLD_AGE}
    if config.train.age_cutoff != OLD_AGE:
        cutoffs[f"train.age_cutoff {config.train.age_cutoff}"] = config.train.age_cutoff
    found = {
        "tasks": task_figure(counts.tasks),
        "classes": class_figure(counts.classes),
        "ages": age_figure(counts.years, cutoffs),
    }
    return {name: figure_html(figure, name) for name, figure in found.items()}


def _sizes(root: Path, photos: Photos) -> list[tuple[tuple[int, int], int, int]]:
    """Return each size, how many training and how many eval images have it; frequent ones first."""
    sides = photos.names[: photos.training], photos.names[photos.training :]
    training, others = (image_sizes([root / name for name in side]) for side in sides)
    return [(size, training[size], others[size]) for size, _ in (training + others).most_common()]


def _colours(config: TrialConfig, data: FaceData) -> Mapping[str, Normalization]:
    return {
        "these images": measured(config, data),
        "the competition's baseline": COMPETITION,
        "ImageNet": IMAGENET,
    }


def _alike(root: Path, photos: Photos) -> Part:
    identical, near = identical_files(photos), near_identical(photos)
    return {
        "identical": [
            (names, data_uri(face(root / names[0]))) for names in identical[:MOST_LISTED]
        ],
        "identical_count": len(identical),
        "near": [(pair, _pair_uris(root, pair)) for pair in near[:MOST_LISTED]],
        "near_count": len(near),
    }


def _pair_uris(root: Path, pair: Alike) -> list[str]:
    return [data_uri(face(root / name)) for name in (pair.first, pair.second)]


def _batch(found: FirstBatch | Refusal) -> Part:
    if isinstance(found, Refusal):
        return {"member": found.member, "refusal": found.reason}
    height, width = found.images.shape[1:3]
    return {
        "member": found.member,
        "refusal": "",
        "size": f"{width} x {height}",
        "images": len(found.images),
        "shown": min(SHOWN, len(found.images)),
        "sheet": found.sheet(),
        "notes": found.notes,
    }
