"""How are the counts drawn?"""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.data.counts import Group
from analysis.figures import BLUE, GREEN, ORANGE, RED, TASK_COLOURS, plain, styled
from trainable.labels import TASK_CLASSES, TASKS

MASK_COLOURS = (BLUE, ORANGE, GREEN)
GENDER_COLOURS = {"male": BLUE, "female": ORANGE}
ROOM = 1.25
"""The axis is so much longer than the longest bar, for the number at its end."""


def task_figure(tasks: Mapping[str, Sequence[Group]]) -> go.Figure:
    """Draw the images of each class of mask, gender and age; the text gives persons too."""
    figure = make_subplots(cols=len(TASKS), subplot_titles=TASKS, shared_yaxes=True)
    for column, task in enumerate(TASKS, start=1):
        groups = tasks[task]
        figure.add_bar(
            x=[plain(group.name) for group in groups],
            y=[group.images for group in groups],
            text=[f"{group.images:,}<br>{group.persons:,} persons" for group in groups],
            marker_color=TASK_COLOURS[task],
            col=column,
            row=1,
        )
    largest = max(group.images for groups in tasks.values() for group in groups)
    figure.update_traces(textposition="outside", cliponaxis=False, hoverinfo="skip")
    figure.update_yaxes(range=[0, ROOM * largest])
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(title="images", col=1)
    return styled(figure, 340).update_layout(showlegend=False)


def class_figure(classes: Sequence[Group]) -> go.Figure:
    """Draw the images of the 18 classes, coloured by mask."""
    total = max(1, sum(group.images for group in classes))
    figure = go.Figure()
    size = len(classes) // len(MASK_COLOURS)
    for number, mask in enumerate(TASK_CLASSES["mask"]):
        groups = classes[number * size : (number + 1) * size]
        figure.add_bar(
            y=[plain(group.name) for group in groups],
            x=[group.images for group in groups],
            text=[f"{group.images:,} ({group.images / total:.1%})" for group in groups],
            name=mask,
            marker_color=MASK_COLOURS[number],
            orientation="h",
        )
    figure.update_traces(textposition="outside", cliponaxis=False, hoverinfo="skip")
    figure.update_xaxes(title="images", range=[0, ROOM * max(group.images for group in classes)])
    figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)
    return styled(figure, 520).update_layout(showlegend=False)


def age_figure(years: pd.DataFrame, cutoffs: Mapping[str, int]) -> go.Figure:
    """Draw persons by year of age and gender, a line before the first year of each cut-off."""
    figure = go.Figure()
    for gender, colour in GENDER_COLOURS.items():
        persons = years[gender]
        figure.add_bar(
            x=persons.index.tolist(), y=persons.tolist(), name=gender, marker_color=colour
        )
    for label, cutoff in cutoffs.items():
        figure.add_vline(
            x=cutoff - 0.5,
            line={"dash": "dash", "color": RED},
            annotation_text=label,
            annotation_position="top left",
        )
    figure.update_xaxes(title="years of age", dtick=5)
    figure.update_yaxes(title="persons")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return styled(figure, 400).update_layout(barmode="stack", legend=legend, hovermode="x unified")
