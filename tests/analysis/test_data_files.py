from PIL import ExifTags, Image

from analysis.data.files import image_size, image_sizes

WIDE = (50, 30)


def test_sizes_are_counted_as_width_and_height(tmp_path):
    files = [tmp_path / name for name in ("a.jpg", "b.png", "c.jpg")]
    for file, size in zip(files, [WIDE, WIDE, (20, 40)], strict=True):
        Image.new("RGB", size).save(file)
    assert image_sizes(files) == {WIDE: 2, (20, 40): 1}


def test_a_turned_photograph_has_the_size_that_viewers_show(tmp_path):
    for orientation, size in [(1, (50, 30)), (3, (50, 30)), (6, (30, 50)), (8, (30, 50))]:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        Image.new("RGB", WIDE).save(tmp_path / "turned.jpg", exif=exif)
        assert image_size(tmp_path / "turned.jpg") == size


def test_only_the_header_of_an_image_is_read(tmp_path):
    for name in ("cut.png", "cut.jpg"):
        Image.effect_noise((200, 100), 50).convert("RGB").save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        assert image_size(tmp_path / name) == (200, 100)
