"""Reading experiment files: YAML text, its positions, overrides, validation, messages.

This layer knows no component: what may stand in a file is declared by the layers above it with
`lrcli.config.base.Config`, and checked here with the location of each mistake.
"""
