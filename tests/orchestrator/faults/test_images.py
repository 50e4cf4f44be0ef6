"""An image that becomes unreadable while a search runs stops nobody who has read it."""

import pytest
from searched_anyway import LONG, trials_in_the_middle


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_machine_that_cannot_read_an_image_is_not_used(
    own_cluster, search_while, own_faces, tmp_path
):
    own_cluster.have(1)
    refused = []

    def damage_and_add(folder) -> bool:
        if not refused and trials_in_the_middle(folder, epochs=2):
            image = next(own_faces.glob("train/images/*/normal.*"))
            image.write_bytes(image.read_bytes()[:100])
            own_cluster.add(FACE_ORCHESTRATOR_CACHE=str(tmp_path / "cache"))
            refused.append(image)
        return bool(refused) and "unfit" in (folder.journal.read_text())

    found = search_while(damage_and_add, f"data.root={own_faces}", LONG)
    # It is asked again after a minute, and says the same.
    (reason,) = {change.reason for change in found.changes if change.change == "unfit"}
    assert refused[0].name in reason
