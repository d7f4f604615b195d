"""The ``dalil`` command: arguments onto ``Assistant``, results onto the terminal.

Exit codes: 0 done, 1 something the user can act on (one line on standard error), 2 wrong usage,
130 stopped with Ctrl-C.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from assistant.assistant import Assistant
from assistant.errors import DalilError, KnowledgeError
from assistant.knowledge import check as check_knowledge
from assistant.schema import Answer, SyncReport, to_json
from assistant.settings import Settings

app = typer.Typer(
    name="dalil",
    help="Answers in Arabic and English from your documents, every sentence with its source.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

KnowledgeOption = Annotated[
    Path | None, typer.Option("--knowledge", metavar="DIR", help="Knowledge folder. Default: ./knowledge, else ours.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder for the index. Default: in the user's data folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, as the Python types.")]


def main() -> None:
    """Run the command line; the installed ``dalil`` calls this."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except DalilError as error:
        print(f"dalil: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("dalil: stopped; what was done is kept", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader of a pipe has gone
        sys.stderr.close()
        raise SystemExit(0) from None


def _terminate(*_: object) -> None:
    """SIGTERM closes the stores as Ctrl-C does."""
    raise KeyboardInterrupt


@app.command()
def serve(
    knowledge: KnowledgeOption = None,
    data: DataOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Bring the index in step, then serve the chat."""
    settings = _settings(knowledge, data, host=host, port=port)
    from assistant.server import serve as serve_chat

    with _opened(settings) as dalil:
        report = _synced(dalil)
        _explain(report)
        if not report.passages:
            _note("The knowledge base is empty: the chat will say so until you add documents.")
        serve_chat(dalil, settings.host, settings.port)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="In Arabic or English; - reads it from standard input.")],
    language: Annotated[str | None, typer.Option("--language", metavar="ar|en", help="Language of the answer.")] = None,
    knowledge: KnowledgeOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer one question, with its citations."""
    with _ready(knowledge, data) as dalil:
        answer = dalil.ask(_argument(question), language=language)
        if as_json:
            _print_json(to_json(answer))
        else:
            _print_answer(answer)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="Words or a question; - reads it from standard input.")],
    limit: Annotated[int, typer.Option(min=1, help="How many passages.")] = 10,
    knowledge: KnowledgeOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the passages that may answer, the most probable first."""
    with _ready(knowledge, data) as dalil:
        hits = dalil.search(_argument(query), limit)
    if as_json:
        _print_json(to_json(hits))
        return
    for number, hit in enumerate(hits, 1):
        print(f"{number}. {hit.score:.2f}  {hit.title}  ({hit.document_id}, {hit.kind})\n   {hit.text}\n")


@app.command()
def sync(
    knowledge: KnowledgeOption = None,
    data: DataOption = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Start from an empty index, as after a new model.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the index in step with the knowledge folder."""
    with _opened(_settings(knowledge, data), rebuild=rebuild) as dalil:
        report = _synced(dalil)
    if as_json:
        _print_json(to_json(report))
    else:
        _explain(report)
        print(
            f"{len(report.added)} added, {len(report.updated)} updated, {len(report.removed)} removed, "
            f"{len(report.unchanged)} unchanged, {len(report.failed)} failed; "
            f"{report.passages} passages in {report.seconds:.1f} s"
        )
        if not report.passages:
            folder = dalil.settings.knowledge_dir
            _note(f"The knowledge folder {folder} holds no documents yet (.pdf, .docx, .md, .txt and more).")
    if report.failed:
        raise SystemExit(1)


@app.command("list")
def list_documents(knowledge: KnowledgeOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the indexed documents."""
    with _ready(knowledge, data) as dalil:
        documents = dalil.documents()
        facts = dalil.fact_count()
    if as_json:
        rows = [
            {"id": d.id, "title": d.title, "language": d.language, "source": d.source, "characters": len(d.text)}
            for d in documents
        ]
        _print_json(rows)
        return
    table = Table("id", "language", "title", "characters", box=None)
    for document in documents:
        table.add_row(escape(document.id), document.language, escape(document.title), f"{len(document.text):,}")
    # A pipe has no width: cutting ids there would make them useless.
    Console(width=None if sys.stdout.isatty() else 400).print(table)
    print(f"{len(documents)} documents, {facts} curated facts")


@app.command()
def check(knowledge: KnowledgeOption = None, as_json: JsonOption = False) -> None:
    """Validate documents and curated facts: ids unique, both languages, every quote verbatim."""
    settings = _settings(knowledge, None)
    report = check_knowledge(settings.knowledge_dir)
    if as_json:
        _print_json(to_json(report))
    else:
        for problem in report.problems:
            print(f"{problem.where}: {problem.message}")
        found = len(report.problems)
        print(f"{report.documents} documents, {report.facts} facts, {found} problem{'' if found == 1 else 's'}")
    if report.problems:
        raise SystemExit(1)


@app.command()
def doctor(knowledge: KnowledgeOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Say what works, what does not, and the next command."""
    from assistant.doctor import diagnose

    findings = diagnose(_settings(knowledge, data))
    if as_json:
        _print_json(to_json(findings))
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.subject}: {finding.detail}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


@app.command()
def verify(
    knowledge: KnowledgeOption = None,
    data: DataOption = None,
    mend: Annotated[bool, typer.Option("--repair", help="Mend what differs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare catalogue, vectors, terms and the knowledge folder with each other."""
    from assistant.verify import repair
    from assistant.verify import verify as compare

    with _opened(_settings(knowledge, data)) as dalil:
        folder = dalil.settings.knowledge_dir
        if mend:
            repair(dalil.index, folder)
            _synced(dalil)
        findings = compare(dalil.index, folder)
    if as_json:
        _print_json(to_json(findings))
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.subject}: {finding.detail}")
    if not all(finding.ok for finding in findings):
        if not mend:
            _note("dalil: run: dalil verify --repair")
        raise SystemExit(1)


@app.command("eval", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def evaluate(context: typer.Context) -> None:
    """Measure the quality of the answers (in a checkout)."""
    try:
        evaluation = import_module("eval.__main__")
    except ModuleNotFoundError as error:
        raise DalilError(
            f"the evaluations need a checkout of Dalil and {error.name}; there, run: pip install -e '.[eval]'"
        ) from None
    evaluation.main(context.args)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(metadata.version("dalil"))
        raise typer.Exit


# --- what the commands share -------------------------------------------------------------------------


def _settings(knowledge: Path | None, data: Path | None, **more: Any) -> Settings:
    """Settings with the options that were given on the command line."""
    given = {"knowledge_dir": knowledge, "data_dir": data, **more}
    return Settings(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def _opened(settings: Settings, rebuild: bool = False) -> Iterator[Assistant]:
    with Assistant(settings, rebuild=rebuild, model_progress=_note) as dalil:
        yield dalil


@contextmanager
def _ready(knowledge: Path | None, data: Path | None) -> Iterator[Assistant]:
    """An assistant in step with its folder: looking costs milliseconds where nothing has changed.

    Raises:
        KnowledgeError: there is nothing to answer from.
    """
    settings = _settings(knowledge, data)
    with _opened(settings) as dalil:
        report = _synced(dalil)
        if not report.passages:
            raise KnowledgeError(
                f"the knowledge folder {settings.knowledge_dir} holds no documents that can be read; "
                "add some (.pdf, .docx, .md, .txt and more), then run: dalil sync"
            )
        yield dalil


def _synced(dalil: Assistant) -> SyncReport:
    """Sync with a progress bar on standard error, where a person is watching."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Indexing", total=None)
        report = dalil.sync(lambda done, total: bar.update(task, completed=done, total=total))
    for place, reason in report.failed.items():
        print(f"dalil: {place}: {reason}", file=sys.stderr)
    for place, doubt in report.warnings.items():
        print(f"dalil: warning: {place}: {doubt}", file=sys.stderr)
    return report


def _explain(report: SyncReport) -> None:
    for label, ids in (("added", report.added), ("updated", report.updated), ("removed", report.removed)):
        for document_id in ids[:20]:
            print(f"{label:8} {document_id}")
        if len(ids) > 20:
            print(f"{label:8} and {len(ids) - 20} more")


def _argument(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _print_answer(answer: Answer) -> None:
    print(answer.text)
    if answer.citations:
        print()
    for citation in answer.citations:
        page = f", p. {citation.page}" if citation.page else ""
        fact = f", fact {citation.fact_id}" if citation.fact_id else ""
        print(f"[{citation.number}] {citation.title} ({citation.document_id}{page}{fact})")
        print(f"    {citation.quote}")


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
