"""What do tests of the report share? The words of a page, and changes to stored trials."""

import html
import re

from analysis.report.evidence import read_evidence
from analysis.report.page import report_page


def page_of(folder):
    return report_page(read_evidence(folder.path.parent, folder.name))


def words_of(folder):
    """Return what people read on the report of an experiment, in one line."""
    body = page_of(folder).split("<body>")[1]
    text = re.sub(r"<script.*?</script>|<[^>]+>", " ", body, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def with_settings(trial, values):
    """Let a stored trial have been trained with other settings."""
    record = trial.read().record
    config = record.config.with_values(values)
    trial.write_record(record.model_copy(update={"config": config, "values": values}))
