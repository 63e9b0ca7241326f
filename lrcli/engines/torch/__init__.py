"""The torch engine: every experiment, on every device. Only this package imports torch.

A loss, an optimizer or a model that is new to `lrcli.components` needs a function here, in the file of its
family, and a row in the mapping at the end of that file. A dataset, a schedule and an initializer need none:
what they draw and work out is NumPy. One of an installed package brings its own, ``torch_form``.
"""
