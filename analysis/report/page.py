"""What stands in the report, and in which order? Every section, poured into one HTML file."""

from pathlib import Path

from analysis.pages import render
from analysis.report.ages import ages_section
from analysis.report.confirmation import confirmation_section
from analysis.report.confusions import confusions_section
from analysis.report.cost import cost_section
from analysis.report.curves import curves_section
from analysis.report.evidence import Evidence
from analysis.report.faces import faces_section
from analysis.report.handed_in import submissions_section
from analysis.report.importance import rank_settings
from analysis.report.levels import common_level
from analysis.report.mattered import mattered_section
from analysis.report.parallel import parallel_section
from analysis.report.places import places_section
from analysis.report.question import question_section
from analysis.report.section import Section
from analysis.report.summary import Findings, state, summary
from analysis.report.varied import varied_settings
from analysis.report.voted import ensemble_section, vote
from analysis.results import data_folder

TEMPLATE = Path(__file__).with_name("report.html.jinja")


def report_page(evidence: Evidence) -> str:
    """Return the report of an experiment, complete in itself, whatever state it is in."""
    level, varied = common_level(evidence.scored), varied_settings(evidence)
    ranking, voted = rank_settings(evidence, level), vote(evidence)
    sections: list[Section] = [
        question_section(evidence),
        places_section(evidence, varied),
        confirmation_section(evidence),
        mattered_section(evidence, level, ranking, varied),
        curves_section(evidence),
        parallel_section(evidence, level, varied),
        confusions_section(evidence.judged),
        ages_section(evidence.judged),
        faces_section(evidence.judged, data_folder(evidence.record)),
        ensemble_section(voted, evidence),
        cost_section(evidence),
        submissions_section(evidence.experiment.folder.path.parent),
    ]
    return render(
        TEMPLATE,
        {
            "name": evidence.experiment.folder.name,
            "state": state(evidence),
            "answers": summary(evidence, Findings(ranking, len(varied), voted)),
            "sections": sections,
        },
    )
