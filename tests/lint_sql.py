"""sqlfluff, without what makes it slow on a project of hundreds of models: `python -m tests.lint_sql lint dbt_project`.

It compiles every macro of the project anew for each file, finds the layout of a file anew for each rule on layout, and
looks for garbage again and again among the millions of objects of a parsed file. What it finds is the same.
"""

import gc
from typing import Any

import jinja2
from sqlfluff.cli.commands import cli
from sqlfluff.core.config import FluffConfig
from sqlfluff.core.parser import BaseSegment
from sqlfluff.utils.reflow.sequence import ReflowSequence


def lighten() -> None:
    gc.set_threshold(100_000, 50, 50)
    compile_anew = jinja2.Environment.compile
    compiled: dict[tuple[Any, ...], Any] = {}

    def compile_once(self: jinja2.Environment, source: Any, *others: Any, **named: Any) -> Any:
        if not isinstance(source, str):
            return compile_anew(self, source, *others, **named)
        key = (type(self), source, others, *named.items())
        if key not in compiled:
            compiled[key] = compile_anew(self, source, *others, **named)
        return compiled[key]

    setattr(jinja2.Environment, "compile", compile_once)  # noqa: B010

    find_anew = ReflowSequence.from_root
    found: dict[str, Any] = {"root": None, "sequence": None}

    def find_once(root_segment: BaseSegment, config: FluffConfig) -> ReflowSequence:
        if found["root"] is not root_segment:
            found.update(root=root_segment, sequence=find_anew(root_segment, config))
        sequence: ReflowSequence = found["sequence"]
        return sequence

    setattr(ReflowSequence, "from_root", staticmethod(find_once))  # noqa: B010


if __name__ == "__main__":
    lighten()
    cli()
