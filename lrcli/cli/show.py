"""`lrcli show`."""

from lrcli.cli.help import FILE, OVERRIDES, examples

__all__ = ["EPILOG", "show"]

EPILOG = examples(
    "lrcli show experiments/linear.yaml",
    "lrcli show experiments/linear.yaml optimizer.kind=adam optimizer.lr=1e-2",
)


def show(
    file: FILE,
    overrides: OVERRIDES = None,
) -> None:
    """Show an experiment with every key resolved, as YAML that trains the same.

    What the file does not say itself is marked with where it comes from.
    """
    from lrcli.authoring.origins import origins
    from lrcli.config.dumping import annotated_yaml
    from lrcli.experiment.experiment import resolved
    from lrcli.experiment.loading import load
    from lrcli.reporting.messages import print_note
    from lrcli.reporting.streams import print_lines
    from lrcli.running.engine_choice import engine_of

    loaded = load(file, overrides or [])
    for note in loaded.notes:
        print_note(note)
    content = resolved(loaded.experiment)
    said = origins(loaded.document, content)
    name, reason = engine_of(loaded.experiment)
    said["engine",] = "; ".join(filter(None, [said.get(("engine",)), f"{name}: {reason}"]))
    print_lines(annotated_yaml(content, said).splitlines())
