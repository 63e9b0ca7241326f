"""What code of the user's answers with, looked at before it trains."""

from typing import Any, NamedTuple

from torch import Tensor

from lrcli.components.user_code import NamedCode

__all__ = ["Wanted", "refuse_answer"]


class Wanted(NamedTuple):
    """What a function of the user's must answer with.

    Attributes:
        gives: begins messages, such as ``forward gives``.
        given: what it is called for, such as ``inputs``.
        shapes: that an answer may have.
        must: ends the message about another shape.
        depends_on: what the answer must have a gradient by; empty where it need have none.
    """

    gives: str
    given: str
    shapes: tuple[tuple[int, ...], ...]
    must: str
    depends_on: str


def refuse_answer(code: NamedCode, answer: Any, given: Tensor, wanted: Wanted) -> None:
    """Refuse what cannot be trained with.

    Args:
        code: whose answer it is.
        answer: whatever it gave.
        given: what it was called for, in the place and the precision of training.
        wanted: what it must be.

    Raises:
        CodeError: it is no tensor, has another shape, place or precision, or does not depend on what is
            trained.
    """
    gives = wanted.gives
    if not isinstance(answer, Tensor) or tuple(answer.shape) not in wanted.shapes:
        found = tuple(answer.shape) if isinstance(answer, Tensor) else f"a {type(answer).__name__}"
        raise code.refuse(
            f"{gives} {found} for {wanted.given} {tuple(given.shape)}; it must give {wanted.must}"
        )
    if answer.device != given.device or answer.layout != given.layout:
        here, there = (f"on {tensor.device} ({tensor.layout})" for tensor in (answer, given))
        raise code.refuse(f"{gives} a tensor {here} for {wanted.given} {there}")
    if answer.dtype != given.dtype:
        here, there = (f"{tensor.dtype} on {tensor.device}" for tensor in (answer, given))
        raise code.refuse(f"{gives} {here} where training is in {there}")
    if wanted.depends_on and not answer.requires_grad:
        raise code.refuse(
            f"{gives} numbers that do not depend on {wanted.depends_on}; is something detached?"
        )
