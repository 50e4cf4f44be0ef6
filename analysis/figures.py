"""What have all figures in common? Their colours and layout, and how they stand in a page."""

import plotly.graph_objects as go

BLUE, ORANGE, GREEN, RED, PINK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
"""Okabe and Ito's, which people with any kind of colour vision tell apart, and on any ground."""
GREY = "#8A8F98"
TASK_COLOURS = {"mask": BLUE, "gender": PINK, "age": GREEN}
GRID = "rgba(128, 128, 128, 0.3)"
CLEAR = "rgba(0, 0, 0, 0)"


def figure_html(figure: go.Figure, name: str) -> str:
    """Return a figure as HTML with the id ``name``, without plotly.js."""
    config = {"displayModeBar": False, "responsive": True}
    return str(
        figure.to_html(
            config=config,
            include_plotlyjs=False,
            full_html=False,
            default_height=f"{figure.layout.height}px",
            div_id=name,
        )
    )


def plain(name: str) -> str:
    """Return a name as Plotly shows it as it is: it reads HTML in its texts."""
    return name.replace("<", "&lt;").replace(">", "&gt;")


def styled(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the layout of all, ``height`` pixels high, on the ground of the page."""
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        showlegend=True,
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font_size=13,
    )
    figure.update_xaxes(automargin=True, gridcolor=GRID, zerolinecolor=GRID)
    figure.update_yaxes(automargin=True, gridcolor=GRID, zerolinecolor=GRID)
    return figure
