"""What is made of a sweep beside its own files: the figures, the report, the event files.

The experiment's logging block says which of them there are. matplotlib, jinja2 and TensorBoard are imported
where something is to be drawn or written.
"""

from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.running import SweepFinished

__all__ = ["present"]

_Drawn = dict[str, dict[str, bytes]]


def present(plan: SweepPlan, files: SweepFiles, ended: SweepFinished, tb_members: int) -> None:
    """Draw and write what a sweep has come to.

    Args:
        plan: of the sweep.
        files: where it is.
        ended: what it has come to, of every member.
        tb_members: for how many members TensorBoard gets curves of their own.

    Raises:
        WriteError: a file could not be written.
    """
    logging = plan.experiment.logging
    drawn = _draw(plan, files, ended)
    files.events.delete_files()  # of a call that was stopped while it drew
    if logging.tensorboard:
        from lrcli.reporting.runs.tensorboard import hyperparameters
        from lrcli.reporting.sweeps.tensorboard import write_sweep_events

        name = f"{plan.experiment.name}/{files.directory.name}"
        pictures = {name: each["png"] for name, each in drawn.items()}
        members = range(min(tb_members, plan.size))
        constants = hyperparameters(plan.experiment)
        write_sweep_events(
            ended.results, files.directory, name, pictures, members, constants, files.events.add
        )


def _draw(plan: SweepPlan, files: SweepFiles, ended: SweepFinished) -> _Drawn:
    """The figures, and the report with them; from the name of a figure to its files."""
    from lrcli.reporting.sweeps.figures import drawings

    logging = plan.experiment.logging
    found = drawings(ended.results) if logging.figures else {}
    drawn: _Drawn = {}
    if found:
        from lrcli.reporting.figure_files import save_figures

        drawn = save_figures(found, files.directory / "figures")
    if logging.report is not False:
        from lrcli.reporting.pages.files import only_warning
        from lrcli.reporting.sweeps.report import write_sweep_report

        path = files.directory / "report.html"
        with only_warning(path):
            write_sweep_report(path, plan.experiment, ended.results, ended.result, found, drawn)
    return drawn
