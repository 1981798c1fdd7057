"""Turns definitions and their docstrings into Markdown for docs/make_api.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from api_sources import Found, Sources, docstring

Function = ast.FunctionDef | ast.AsyncFunctionDef

FIELD = re.compile(r"^:(param|raises?|returns?|ivar|cvar|yields?)\b ?([^:]*):\s*(.*)$")
ROLE = re.compile(r":(?:meth|func|class|mod|attr|data|exc):`[~!.]*([^`]*)`")
TITLES = {"param": "Parameters", "ivar": "Attributes", "return": "Returns", "yield": "Yields", "raise": "Raises"}
MOST_COLUMNS = 100


class Parts(NamedTuple):
    """A docstring: its text, and its fields as ``kind → [(name, text)]``."""

    text: str
    fields: dict[str, list[tuple[str, str]]]


def entry(sources: Sources, name: str) -> str:
    """Return the section of a public name."""
    found = sources.find(name)
    head = f"## {name}\n"
    if isinstance(found.node, ast.Module):
        return "\n".join([head, _described(found.doc), *_members_of_module(sources, name, found.node)])
    if isinstance(found.node, ast.ClassDef):
        return "\n".join([head, *_class(sources, found, name)])
    if isinstance(found.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return "\n".join([head, *_function(found.node, name.rpartition(".")[2])])
    return "\n".join([head, _code(_constant(found.node)), _described(found.doc)])


def first_sentence(sources: Sources, name: str) -> str:
    """Return the first sentence of a public name's docstring, on one line."""
    text = parsed(sources.find(name).doc).text.partition("\n\n")[0].partition("::\n")[0]
    sentence = re.split(r"(?<=[.!?])\s", _inline(" ".join(text.split())) + " ")[0]
    return sentence.replace("|", "\\|").rstrip(":")


def parsed(doc: str) -> Parts:
    """Separate the fields of a docstring (``:param …:`` and so on) from its text."""
    text: list[str] = []
    fields: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] | None = None
    for line in doc.splitlines():
        match = FIELD.match(line)
        if match:
            kind = {"raises": "raise", "returns": "return", "yields": "yield", "cvar": "ivar"}.get(match[1], match[1])
            current = fields.setdefault(kind, [])
            current.append((match[2], match[3]))
        elif current is not None and (line.startswith(" ") or not line.strip()):
            current[-1] = (current[-1][0], f"{current[-1][1]} {line.strip()}".strip())
        else:
            current = None
            text.append(line)
    return Parts("\n".join(text).strip(), fields)


# -- classes ---------------------------------------------------------------------------------------------------------


def _class(sources: Sources, found: Found, name: str) -> Iterator[str]:
    line = [found, *sources.bases(found)]
    last = name.rpartition(".")[2]
    init = next((each for owner in line for each in _functions(owner.node) if each.name == "__init__"), None)
    yield _code("\n".join(_head(line, last, init)))
    yield _described(found.doc)
    members: dict[str, str] = {}
    for owner in line:
        for member, text in _members(owner.node, last):
            members.setdefault(member, text)
    yield from members.values()


def _head(line: list[Found], name: str, init: Function | None) -> Iterator[str]:
    """Yield the lines of code that introduce a class: its bases, its fields without a docstring, how it is made."""
    assert isinstance(line[0].node, ast.ClassDef)
    bases = [base for base in map(ast.unparse, line[0].node.bases) if not base.startswith("_")]
    fields = [f"    {_constant(node)}" for owner in line for node, doc in _fields(owner.node) if not doc]
    if bases or fields or init is None:
        yield f"class {name}{'(' if bases else ''}{', '.join(bases)}{')' if bases else ''}{':' if fields else ''}"
    yield from fields
    if init is not None:
        yield _signature(init, name, method=True)


def _members(node: ast.AST, owner: str) -> Iterator[tuple[str, str]]:
    """Yield the public members of a class: documented fields and attributes, properties, methods."""
    inits = [function for function in _functions(node) if function.name == "__init__"]
    for parent in (node, *inits):
        for value, doc in _fields(parent):
            if doc:
                shown = _constant(value) if parent is node else _name(value)
                yield _name(value), f"### {owner}.{_name(value)}\n\n{_code(shown)}\n{_described(doc)}"
    for function in _functions(node):
        if not function.name.startswith("_") and not _is_setter(function):
            yield function.name, "\n".join(_method(function, owner))


def _fields(parent: ast.AST) -> Iterator[tuple[ast.Assign | ast.AnnAssign, str]]:
    """Yield the public attributes that a class's or a function's body assigns, each with its docstring or ``""``."""
    if isinstance(parent, (ast.ClassDef, ast.FunctionDef)):
        for node in parent.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and not _name(node).startswith("_"):
                yield node, docstring(node, parent)


def _name(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else getattr(target, "attr", "_")


def _method(function: Function, owner: str) -> Iterator[str]:
    yield f"### {owner}.{function.name}\n"
    decorators = {ast.unparse(each).rpartition(".")[2] for each in function.decorator_list}
    if "property" in decorators or "cached_property" in decorators:
        result = f": {ast.unparse(function.returns)}" if function.returns else ""
        yield _code(f"{function.name}{result}")
    else:
        static = "staticmethod" in decorators
        prefix = "@classmethod\n" if "classmethod" in decorators else "@staticmethod\n" if static else ""
        yield _code(prefix + _signature(function, function.name, method=not static))
    yield _described(ast.get_docstring(function) or "")


def _functions(node: ast.AST) -> list[Function]:
    body = node.body if isinstance(node, ast.ClassDef) else []
    return [each for each in body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _is_setter(function: Function) -> bool:
    return any(ast.unparse(each).endswith((".setter", "overload")) for each in function.decorator_list)


# -- functions, constants, modules -------------------------------------------------------------------------------------


def _function(function: Function, name: str) -> Iterator[str]:
    yield _code(_signature(function, name, method=False))
    yield _described(ast.get_docstring(function) or "")


def _members_of_module(sources: Sources, module: str, tree: ast.Module) -> Iterator[str]:
    if sources.is_package(module):
        return
    for name in sources.exported(module):
        yield re.sub("^(#+ )", "#\\1", entry(sources, f"{module}.{name}"), flags=re.MULTILINE)


def _constant(node: ast.AST) -> str:
    if isinstance(node, ast.AnnAssign):
        value = f" = {ast.unparse(node.value)}" if node.value is not None else ""
        shown = f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}{value}"
    else:
        shown = ast.unparse(node)
    shown = _quoted(shown)
    return shown if len(shown) <= MOST_COLUMNS else f"{shown[:MOST_COLUMNS]} …"


def _quoted(code: str) -> str:
    """Return code with double quotes, as the sources have them."""
    return re.sub(r"'([^'\"\\]*)'", r'"\1"', code)


def _signature(function: Function, name: str, *, method: bool) -> str:
    """Return a signature with its annotations, over several lines if it is long."""
    arguments = [_quoted(argument) for argument in _arguments(function.args)[1 if method else 0 :]]
    result = f" -> {ast.unparse(function.returns)}" if function.returns and function.name != "__init__" else ""
    line = f"{name}({', '.join(arguments)}){result}"
    if len(line) <= MOST_COLUMNS:
        return line
    return "\n".join([f"{name}(", *(f"    {argument}," for argument in arguments), f"){result}"])


def _arguments(spec: ast.arguments) -> list[str]:
    plain = [*spec.posonlyargs, *spec.args]
    defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(spec.defaults)), *spec.defaults]
    shown = [_argument(argument, default) for argument, default in zip(plain, defaults, strict=True)]
    if spec.posonlyargs:
        shown.insert(len(spec.posonlyargs), "/")
    if spec.vararg:
        shown.append(f"*{_argument(spec.vararg, None)}")
    elif spec.kwonlyargs:
        shown.append("*")
    shown += [_argument(each, default) for each, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)]
    return [*shown, *([f"**{_argument(spec.kwarg, None)}"] if spec.kwarg else [])]


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    annotation = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    if default is None:
        return argument.arg + annotation
    sign = " = " if annotation else "="
    return f"{argument.arg}{annotation}{sign}{ast.unparse(default)}"


# -- docstrings --------------------------------------------------------------------------------------------------------


def _described(doc: str) -> str:
    """Return a docstring as Markdown."""
    parts = parsed(doc)
    sections = [_markdown(parts.text)] if parts.text else []
    for kind, title in TITLES.items():
        if kind in parts.fields:
            lines = [_field(kind, name, text) for name, text in parts.fields[kind]]
            sections.append(f"**{title}**\n\n" + "\n".join(lines))
    return "\n\n".join(sections) + "\n"


def _field(kind: str, name: str, text: str) -> str:
    shown = ", ".join(f"`{each.strip()}`" for each in name.split(",") if each.strip())
    return f"- {shown}{': ' if shown else ''}{_inline(text)}"


def _markdown(text: str) -> str:
    """Turn literal blocks (after ``::``) into fenced code, and roles into plain code."""
    lines: list[str] = []
    block: list[str] | None = None
    for line in text.splitlines():
        if block is not None and (line.startswith("    ") or not line.strip()):
            block.append(line[4:])
            continue
        if block is not None:
            lines += [_code("\n".join(block).strip("\n")), ""]
            block = None
        if line.endswith("::"):
            block = []
            line = line[:-1]
        lines.append(_inline(line))
    if block is not None:
        lines += ["", _code("\n".join(block).strip("\n"))]
    return re.sub(r"([^\n])\n```python", "\\1\n\n```python", "\n".join(lines)).strip()


def _inline(text: str) -> str:
    return ROLE.sub(lambda match: f"`{match[1]}`", text).replace("``", "`")


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"
