"""The `print fmt` line of a tracepoint's format file: the kernel's own names for its codes."""

from __future__ import annotations

import ast
import operator
import re
from dataclasses import dataclass

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_SUFFIX = re.compile(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b")
_STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Symbols:
    """One `__print_symbolic(expression, {code, "name"}, …)`."""

    expression: str
    names: dict[int, str]


def constant(text: str) -> int:
    """Return the value of a C constant expression; ValueError when it is none."""

    def value(node: ast.expr) -> int:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return int(_OPERATORS[type(node.op)](value(node.left), value(node.right)))
        raise ValueError(f"{text.strip()} is no constant")

    try:
        return value(ast.parse(_SUFFIX.sub(r"\1", text).strip(), mode="eval").body)
    except SyntaxError as error:
        raise ValueError(f"{text.strip()} is no constant") from error


def symbols(text: str) -> list[Symbols]:
    """Return every `__print_symbolic` of a format file, in order."""
    tables = []
    for match in re.finditer(r"__print_symbolic\(", text):
        expression, *entries = _split(text, match.end())
        tables.append(Symbols(expression, dict(map(_entry, entries))))
    return tables


def mask(text: str, field: str) -> int:
    """Return the mask that `field` is first looked at through; ValueError when there is none."""
    found = re.search(rf"\bREC->{field} & \(", text)
    if found is None:
        raise ValueError(f"no mask of {field}")
    return constant(f"({_split(text, found.end())[0]})")


def _entry(text: str) -> tuple[int, str]:
    code, name = text.strip()[1:-1].split(",", 1)
    # The preprocessor leaves "KVM_EXIT_" "IO".
    return constant(code), "".join(_STRINGS.findall(name)).strip()


def _split(text: str, start: int) -> list[str]:
    """Return the arguments from `start` to the bracket that closes them."""
    arguments, depth, quoted, begin = [], 0, False, start
    for index in range(start, len(text)):
        character = text[index]
        if character == '"':
            quoted = not quoted
        if quoted:
            continue
        if character in "({":
            depth += 1
        elif character in ")}":
            depth -= 1
        if depth < 0 or (character == "," and depth == 0):
            arguments.append(text[begin:index].strip())
            begin = index + 1
        if depth < 0:
            return arguments
    raise ValueError("a bracket is not closed")
