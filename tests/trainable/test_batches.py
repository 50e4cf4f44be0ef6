"""Batches follow from seed, fold, epoch and number, and see the training side alone."""

import dataclasses
import pickle
from collections import Counter

import numpy as np
import pytest
import torch

from trainable.augment import TECHNIQUES
from trainable.batches import TrainingBatches, make_loader
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.device import Device
from trainable.heads import class_targets
from trainable.labels import MASK_OF_IMAGE, OLD_AGE, encode
from trainable.mixing import Batch
from trainable.sampling import TrainingSide, check_mixing, training_side
from trainable.settings import UserError, Value

EVERYTHING: dict[str, Value] = {
    **{f"augment.{name}": 0.5 for name in TECHNIQUES},
    "augment.horizontal_cutmix": 0.5,
    "augment.cutmix": 0.5,
    "augment.mixup": 0.5,
}
AGES = np.array([25.0, 40.0, 60.0, 72.0])
PERSONS = 24
MASKS = np.array(list(MASK_OF_IMAGE.values()))
SAMPLERS = ("shuffle", "balanced", "one_per_person", "undersampled")


@pytest.fixture(scope="module")
def numbered() -> TrainingSide:
    """24 persons x 7 images whose pixels hold their row; persons of even numbers are trained on.

    Of the persons trained on, half are men; ages are 25 and 60 years for each.
    """
    persons = np.repeat(np.arange(PERSONS), len(MASKS))
    ages = AGES[persons % 4]
    age_class = np.array([0, 1, 2, 2])[persons % 4]
    labels = encode(np.tile(MASKS, PERSONS), persons // 4 % 2, age_class)
    rows = np.arange(len(persons), dtype=np.uint8)
    return TrainingSide(
        pixels=np.broadcast_to(rows[:, None, None, None], (len(rows), 4, 4, 3)),
        labels=labels,
        targets=class_targets(torch.from_numpy(labels)),
        ages=ages,
        persons=persons,
        rows=np.flatnonzero(persons % 2 == 0),
    )


def batches_of(side: TrainingSide, fold: int = 0, **values: Value) -> TrainingBatches:
    return TrainingBatches(side, config_of(**values), fold)


def config_of(**values: Value) -> TrialConfig:
    paths = {name.replace("__", "."): value for name, value in values.items()}
    return TrialConfig().with_values({"train.batch_size": 8, **paths})


def epoch_of(batches: TrainingBatches, epoch: int = 0) -> list[Batch]:
    return [batches[epoch, batch] for batch in range(batches.batch_count)]


def left_rows(epoch: list[Batch]) -> np.ndarray:
    return torch.cat([images[:, 0, 0, 0] for images, _ in epoch]).numpy().astype(int)


def right_rows(epoch: list[Batch]) -> np.ndarray:
    return torch.cat([images[:, 0, 0, 3] for images, _ in epoch]).numpy().astype(int)


def same(first: list[Batch], second: list[Batch]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in pairs)


def tiny_side(tiny: TrialConfig, **values: Value) -> tuple[TrainingSide, TrialConfig]:
    paths = {name.replace("__", "."): value for name, value in values.items()}
    config = tiny.with_values({**EVERYTHING, **paths})
    data = load_data(config.data)
    return training_side(config, data, data.folds(config.cv)[0]), config


def test_shuffled_epoch_sees_each_training_image_once(numbered):
    batches = batches_of(numbered, train__batch_size=12)
    assert sorted(left_rows(epoch_of(batches))) == numbered.rows.tolist()
    assert left_rows(epoch_of(batches)).tolist() != numbered.rows.tolist()


def test_batch_is_channels_first_bytes_with_their_targets(numbered):
    for images, targets in epoch_of(batches_of(numbered)):
        assert images.shape[1:] == (3, 4, 4)
        assert images.dtype == torch.uint8
        assert torch.equal(targets, numbered.targets[images[:, 0, 0, 0].long()])


@pytest.mark.parametrize(
    ("size", "lengths"), [(28, [28, 28, 28]), (40, [40, 40, 4]), (83, [83]), (100, [84])]
)
def test_no_batch_holds_a_single_image(numbered, size, lengths):
    epoch = epoch_of(batches_of(numbered, train__batch_size=size))
    assert [len(targets) for _, targets in epoch] == lengths


def test_same_seed_and_epoch_give_the_same_batches(tiny):
    side, config = tiny_side(tiny, train__old_copies=1)
    first, again = (epoch_of(TrainingBatches(side, config, 0), epoch=3) for _ in range(2))
    assert same(first, again)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_batch_does_not_depend_on_those_before_it(numbered, sampler):
    batches = batches_of(numbered, train__sampler=sampler, augment__mixup=0.5)
    assert same([batches[1, 1]], [epoch_of(batches, epoch=1)[1]])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_another_epoch_seed_or_fold_gives_other_batches(numbered, sampler):
    first = epoch_of(batches_of(numbered, train__sampler=sampler))
    others = (
        epoch_of(batches_of(numbered, train__sampler=sampler), epoch=1),
        epoch_of(batches_of(numbered, train__sampler=sampler, train__seed=1)),
        epoch_of(batches_of(numbered, train__sampler=sampler, fold=1)),
    )
    assert not any(same(first, other) for other in others)


@pytest.mark.parametrize(
    ("sampler", "images"),
    [("shuffle", 12 * 7), ("balanced", 12 * 7), ("one_per_person", 12), ("undersampled", 12 * 3)],
)
def test_every_epoch_shows_as_many_images_of_the_training_side(numbered, sampler, images):
    batches = batches_of(numbered, train__sampler=sampler, train__batch_size=4)
    for epoch in range(5):
        seen = left_rows(epoch_of(batches, epoch))
        assert len(seen) == images
        assert set(seen) <= set(numbered.rows)


def test_balanced_sampler_draws_every_class_as_often(numbered):
    batches = batches_of(numbered, train__sampler="balanced")
    seen = np.concatenate([left_rows(epoch_of(batches, epoch)) for epoch in range(40)])
    shares = np.bincount(numbered.labels[seen], minlength=18) / len(seen)
    occurring = np.unique(numbered.labels[numbered.rows])
    assert shares[occurring] == pytest.approx(1 / len(occurring), abs=0.02)


def test_one_image_of_each_person_is_drawn_anew_each_epoch(numbered):
    batches = batches_of(numbered, train__sampler="one_per_person", train__batch_size=4)
    epochs = [left_rows(epoch_of(batches, epoch)) for epoch in range(100)]
    assert all(
        np.array_equal(np.sort(numbered.persons[seen]), np.arange(0, PERSONS, 2)) for seen in epochs
    )
    often = np.bincount(np.concatenate(epochs) % 7)
    assert often / often.sum() == pytest.approx([1 / 7] * 7, abs=0.03)


def test_undersampled_epoch_keeps_one_worn_mask_of_each_person_and_all_others(numbered):
    batches = batches_of(numbered, train__sampler="undersampled", train__batch_size=4)
    worn_seen = Counter[int]()
    for epoch in range(60):
        seen = left_rows(epoch_of(batches, epoch))
        is_worn = MASKS[seen % 7] == 0
        assert sorted(numbered.persons[seen[is_worn]]) == list(range(0, PERSONS, 2))
        others = numbered.rows[MASKS[numbered.rows % 7] > 0]
        assert sorted(seen[~is_worn]) == others.tolist()
        worn_seen.update((seen[is_worn] % 7).tolist())
    assert set(worn_seen) == set(np.flatnonzero(MASKS == 0))
    assert min(worn_seen.values()) / sum(worn_seen.values()) > 0.15


@pytest.mark.parametrize("copies", [1, 3])
def test_copies_show_the_images_of_old_persons_that_many_times_more(numbered, copies):
    batches = batches_of(numbered, train__old_copies=copies)
    epoch = epoch_of(batches)
    times = Counter(np.argmax(torch.cat([t for _, t in epoch]).numpy(), axis=1).tolist())
    originals = Counter(numbered.labels[numbered.rows].tolist())
    assert times == {
        label: count * (1 + copies * (label % 3 == 2)) for label, count in originals.items()
    }
    assert sum(times.values()) == 42 + 42 * (1 + copies)


def test_only_copies_are_changed_and_each_anew(tiny):
    side, config = tiny_side(tiny, train__old_copies=2)
    plain = dict.fromkeys(EVERYTHING, 0.0)
    originals = {side.pixels[row].tobytes(): row for row in side.rows}
    shown = Counter[int]()
    changed = list[bytes]()
    batches = TrainingBatches(side, config.with_values(plain), 0)
    for image in torch.cat([images for images, _ in epoch_of(batches)]):
        seen = np.ascontiguousarray(image.permute(1, 2, 0).numpy()).tobytes()
        if seen in originals:
            shown[originals[seen]] += 1
        else:
            changed.append(seen)
    old = side.rows[side.ages[side.rows] >= OLD_AGE]
    assert set(side.rows) == set(shown)
    assert all(shown[row] == 1 for row in set(side.rows) - set(old))
    assert len(changed) == len(set(changed))
    # All five changes miss a copy with a chance of 1 in 32.
    assert 0.9 * 2 * len(old) < len(changed) <= 2 * len(old)


def test_persons_of_sixty_and_over_are_the_old_who_flip(numbered):
    marked_left = np.zeros_like(numbered.pixels)
    marked_left[:, :, 0] = 255
    side = dataclasses.replace(numbered, pixels=marked_left)
    for images, targets in epoch_of(batches_of(side, augment__flip_old=1)):
        is_flipped = images[:, 0, 0, 3] == 255
        assert torch.equal(is_flipped, targets.argmax(dim=1) % 3 == 2)


def test_no_two_batches_draw_the_same_changes(numbered):
    grey = np.full((len(numbered.pixels), 8, 8, 3), 128, np.uint8)
    side = dataclasses.replace(numbered, pixels=grey)
    batches = batches_of(side, train__old_copies=1, augment__noise=1)
    epochs = [images for epoch in (0, 1) for images, _ in epoch_of(batches, epoch)]
    assert len({image.numpy().tobytes() for image in torch.cat(epochs)}) == 2 * (84 + 42)


def test_copies_are_balanced_as_other_images_are(numbered):
    batches = batches_of(numbered, train__old_copies=5, train__sampler="balanced")
    epochs = [epoch_of(batches, epoch) for epoch in range(20)]
    drawn = torch.cat([targets for epoch in epochs for _, targets in epoch]).mean(0)
    occurring = np.unique(numbered.labels[numbered.rows])
    assert drawn[occurring].tolist() == pytest.approx([1 / len(occurring)] * 12, abs=0.02)


def test_cutmix_takes_the_right_half_from_another_image_of_class_and_side(numbered):
    epoch = epoch_of(batches_of(numbered, augment__horizontal_cutmix=1))
    for images, _ in epoch:
        assert torch.equal(images[..., :2], images[:, :, :1, :1].expand(-1, -1, 4, 2))
        assert torch.equal(images[..., 2:], images[:, :, :1, 3:].expand(-1, -1, 4, 2))
    left, right = left_rows(epoch), right_rows(epoch)
    assert np.array_equal(numbered.labels[left], numbered.labels[right])
    assert (left != right).all()
    assert len(set(right)) > 40
    assert set(right) <= set(numbered.rows)


def test_cutmix_goes_by_the_label_that_is_trained(numbered):
    relabelled = dataclasses.replace(numbered, labels=numbered.labels // 6)
    epoch = epoch_of(batches_of(relabelled, augment__horizontal_cutmix=1))
    left, right = left_rows(epoch), right_rows(epoch)
    assert np.array_equal(relabelled.labels[left], relabelled.labels[right])
    assert not np.array_equal(numbered.labels[left], numbered.labels[right])


def test_cutmix_with_probability_of_a_half_joins_some(numbered):
    epoch = epoch_of(batches_of(numbered, augment__horizontal_cutmix=0.5))
    assert 25 < (left_rows(epoch) != right_rows(epoch)).sum() < 60


def test_cutmix_beside_one_per_person_shows_no_second_image_of_anybody(numbered):
    many = dataclasses.replace(numbered, labels=numbered.labels // 18)
    settings = {"train__sampler": "one_per_person", "train__batch_size": 6}
    batches = batches_of(many, augment__horizontal_cutmix=1, **settings)
    for epoch in range(5):
        seen = epoch_of(batches, epoch)
        assert set(right_rows(seen)) <= set(left_rows(seen))
        assert (left_rows(seen) != right_rows(seen)).all()
        assert len(set(numbered.persons[left_rows(seen)])) == 12


def test_cutmix_averages_the_years_of_the_two_halves(numbered):
    years = torch.from_numpy(numbered.persons)[:, None] / 100.0
    aged = dataclasses.replace(numbered, targets=torch.cat([numbered.targets, years], dim=1))
    epoch = epoch_of(batches_of(aged, augment__horizontal_cutmix=1))
    found = torch.cat([targets for _, targets in epoch])
    left, right = left_rows(epoch), right_rows(epoch)
    expected = (numbered.persons[left] + numbered.persons[right]) / 200
    assert torch.equal(found[:, :18], numbered.targets[left])
    assert found[:, 18].numpy() == pytest.approx(expected)


def test_image_alone_in_its_class_is_joined_with_none(numbered):
    alone = numbered.labels.copy()
    alone[numbered.rows[5]] = 1
    side = dataclasses.replace(numbered, labels=alone)
    epoch = epoch_of(batches_of(side, augment__horizontal_cutmix=1))
    left, right = left_rows(epoch), right_rows(epoch)
    assert left[left == right].tolist() == [numbered.rows[5]]


def test_batches_are_mixed_after_their_images_were_changed(numbered):
    epoch = epoch_of(batches_of(numbered, augment__mixup=1))
    assert all((targets.max(dim=1).values < 1).any() for _, targets in epoch)
    assert torch.cat([targets.sum(1) for _, targets in epoch]).numpy() == pytest.approx(1)


def test_cutmix_beside_one_per_person_names_both_and_the_rarest_class(numbered):
    settings = {"augment__horizontal_cutmix": 0.5, "train__sampler": "one_per_person"}
    # A class has 3 persons, and one of the 7 images of each if the mask is not worn rightly.
    with pytest.raises(UserError) as caught:
        batches_of(numbered, **settings)
    assert str(caught.value) == (
        "augment.horizontal_cutmix=0.5 joins two images of a class, but "
        "train.sampler=one_per_person leaves 0.429 images of 'incorrect, male, <30' an epoch on "
        "average: choose one of the two"
    )


def test_two_images_of_a_class_an_epoch_are_enough_for_cutmix(numbered):
    settings = {"augment__horizontal_cutmix": 0.5, "train__sampler": "one_per_person"}
    # 14 images of persons who have 7 each are 2 an epoch.
    labels = np.zeros(len(numbered.labels), np.int64)
    labels[numbered.rows[:14]] = 1
    check_mixing(dataclasses.replace(numbered, labels=labels), config_of(**settings))
    labels[numbered.rows[0]] = 0
    with pytest.raises(UserError, match=r"leaves 1.86 images of 'worn, male, 30-59'"):
        check_mixing(dataclasses.replace(numbered, labels=labels), config_of(**settings))


@pytest.mark.parametrize("sampler", ["shuffle", "balanced", "undersampled"])
def test_other_samplers_leave_cutmix_enough_images(numbered, sampler):
    check_mixing(numbered, config_of(augment__horizontal_cutmix=1, train__sampler=sampler))


def test_batches_sent_to_another_process_give_the_same(tiny):
    side, config = tiny_side(tiny)
    batches = TrainingBatches(side, config, 0)
    first = epoch_of(batches)
    assert same(first, epoch_of(pickle.loads(pickle.dumps(batches))))


@pytest.mark.timeout(60)
def test_loader_processes_give_the_same_batches_as_none(tiny):
    side, config = tiny_side(tiny, train__old_copies=1)
    given = []
    for loaders in (0, 1):
        loader, sampler = make_loader(
            TrainingBatches(side, config, 0), loaders, Device("cpu", "float32")
        )
        for epoch in (0, 1):
            sampler.epoch = epoch
            given.append([(images.clone(), labels.clone()) for images, labels in loader])
    assert same(given[0], given[2])
    assert same(given[1], given[3])
