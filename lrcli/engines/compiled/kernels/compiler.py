"""From one function to its machine code, in the process of `lrcli.engines.compiled.kernels.compiler_process`.

Numba translates the Python functions; with its own optimizer off, which would optimize each of a hundred
small functions again in each that calls it. What they make together is then optimized once, by LLVM, for
this processor. The object file calls nothing but the C library's memset and the like: whoever loads it
needs neither Python nor Numba.
"""

from llvmlite import binding as llvm

from lrcli.engines.compiled.kernels.entries import kernel
from lrcli.engines.compiled.machine_code import ENTRY, target_machine

__all__ = ["object_file"]

_PLAIN = {"memset", "memcpy", "memmove"}


def object_file(name: str, dtype: str, members: int, units: int) -> bytes:
    """The machine code of a function of `lrcli.engines.compiled.signatures`.

    Raises:
        RuntimeError: it would need more than the C library.
    """
    function = kernel(name, dtype, members, units)
    module = llvm.parse_assembly(function.inspect_llvm())
    for code in module.functions:
        if not code.is_declaration:
            code.linkage = "external" if code.name == function.native_name else "internal"
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = "internal"
    machine = target_machine()
    # Where units are the lanes, loops are short, and what the last level does to them makes them slower.
    options = llvm.create_pipeline_tuning_options(speed_level=2 if units > 1 else 3)
    options.loop_vectorization = options.slp_vectorization = False  # the lanes are the vectors
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    foreign = [
        code.name
        for code in module.functions
        if code.is_declaration and not code.name.startswith("llvm.") and code.name not in _PLAIN
    ]
    if foreign:
        raise RuntimeError(f"{name}: its machine code calls {', '.join(foreign)}")
    module.get_function(function.native_name).name = ENTRY
    return bytes(machine.emit_object(module))
