"""The ``dalil`` command: arguments onto ``Assistant``, results onto the terminal.

Exit codes: 0 done, 1 something the user can act on (one line on standard error), 2 wrong usage,
130 stopped with Ctrl-C.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

# What takes time to import is imported where it is used: a question that a running process answers needs little.
from assistant import remote
from assistant.errors import DalilError, KnowledgeError, SettingsError
from assistant.schema import Answer, AnswerPiece, Citation, SyncReport, to_json
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.assistant import Assistant

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
WatchOption = Annotated[bool, typer.Option("--watch", help="Keep in step with the knowledge folder while it changes.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, as the Python types.")]


MIN_PASSWORD = 8
STOPPED = 130
"""Exit code after Ctrl-C."""


def main() -> None:
    """Run the command line; the installed ``dalil`` calls this."""
    # Products of a question's size gain nothing from a second thread, which would cost as much processor time again.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except DalilError as error:
        print(f"dalil: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except SystemExit as end:
        if end.code == STOPPED:  # what typer makes of Ctrl-C, without a word
            print("dalil: stopped; what was done is kept", file=sys.stderr)
        raise
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
    watching: WatchOption = False,
) -> None:
    """Bring the index in step, then serve the chat."""
    settings = _settings(knowledge, data, host=host, port=port)
    from assistant.feedback import FEEDBACK_FILE, FeedbackLog
    from assistant.security import Access
    from assistant.server import serve as serve_chat

    Access.of(settings)  # whether the address may be used is known before minutes of sync
    with _own(settings) as dalil:
        report = _synced(dalil)
        _show(report)
        if not report.passages:
            _note("The knowledge base is empty: the chat will say so until you add documents.")
        with _following(dalil) if watching else nullcontext():
            log = FeedbackLog(settings.index_dir / FEEDBACK_FILE, dalil.versions)
            serve_chat(dalil, settings.host, settings.port, shared=dalil, settings=settings, feedback=log)


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
        if as_json:
            _print_json(to_json(dalil.ask(_argument(question), language=language)))
        elif not sys.stdout.isatty():
            _print_answer(dalil.ask(_argument(question), language=language))
        else:
            _print_as_it_comes(dalil.stream(_argument(question), language=language))


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
    watching: WatchOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the index in step with the knowledge folder."""
    settings = _settings(knowledge, data)
    with _own(settings, rebuild=True) if rebuild else _opened(settings) as dalil:
        report = _synced(dalil, as_json)
        if as_json:
            _print_json(to_json(report))
        else:
            _show(report)
            _say_line(report)
            if not report.passages:
                _note(
                    f"The knowledge folder {settings.knowledge_dir} holds no documents yet "
                    "(.pdf, .docx, .md, .txt and more)."
                )
        if watching:
            _watch(dalil, settings, as_json)
            return
    if report.failed:
        raise SystemExit(1)


@app.command()
def add(
    sources: Annotated[list[Path], typer.Argument(metavar="FILE_OR_FOLDER...", help="What to copy.")],
    into: Annotated[str, typer.Option(metavar="SUBFOLDER", help="Place in the knowledge folder.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Put files in the place of others.")] = False,
    knowledge: KnowledgeOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy files into the knowledge folder and bring the index in step."""
    from assistant import files

    settings = _settings(knowledge, data)
    folder = settings.knowledge_dir
    missing = not folder.exists()
    added = files.add(folder, sources, into, replace)
    if missing and added.copied:
        _note(f"Created the knowledge folder {folder}.")
    for path, reason in added.refused.items():
        print(f"dalil: {path}: not copied: {reason}", file=sys.stderr)
    if not as_json:
        for file_id in added.present:
            print(f"{file_id} is there already, with the same content")
        if added.skipped:
            kinds = ", ".join(f"{count:,} {suffix or 'without a suffix'}" for suffix, count in added.skipped.items())
            print(f"left out, in formats that are not supported: {kinds}")
    report = None
    if added.copied:
        report = _sync_and_show(settings, as_json)
    if as_json:
        _print_json({**asdict(added), "sync": None if report is None else to_json(report)})
    if added.refused or (report and report.failed):
        raise SystemExit(1)


@app.command()
def remove(
    ids: Annotated[list[str], typer.Argument(metavar="DOCUMENT_ID...", help="Files, as 'dalil list' names them.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    knowledge: KnowledgeOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete files of the knowledge folder and bring the index in step."""
    from assistant import files

    settings = _settings(knowledge, data)
    folder = settings.knowledge_dir
    chosen = [file.id for file in files.chosen(folder, ids)]
    citing = files.citing_facts(folder, chosen)
    for document_id, facts in citing.items():
        print(
            f"dalil: warning: {document_id} is cited by {', '.join(facts)}; facts without their document are not used",
            file=sys.stderr,
        )
    if not yes:
        if not sys.stdin.isatty():
            raise KnowledgeError(f"{', '.join(chosen)} would be deleted from {folder}; say --yes if that should be")
        typer.confirm(f"Delete {', '.join(chosen)} from {folder}?", abort=True, err=True)
    files.remove(folder, chosen)
    report = _sync_and_show(settings, as_json)
    if as_json:
        _print_json({"removed": chosen, "cited_by": citing, "sync": to_json(report)})
    if report.failed:
        raise SystemExit(1)


@app.command("list")
def list_documents(knowledge: KnowledgeOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the indexed documents."""
    with _ready(knowledge, data) as dalil:
        listing = dalil.listing() if isinstance(dalil, remote.Remote) else remote.listing(dalil)
    if as_json:
        _print_json([asdict(document) for document in listing.documents])
        return
    from rich.markup import escape
    from rich.table import Table

    from assistant import terminal

    table = Table("id", "language", "title", "characters", box=None)
    for document in listing.documents:
        table.add_row(escape(document.id), document.language, escape(document.title), f"{document.characters:,}")
    terminal.console().print(table)
    print(f"{len(listing.documents)} documents, {listing.facts} curated facts")


@app.command()
def check(knowledge: KnowledgeOption = None, as_json: JsonOption = False) -> None:
    """Validate documents and curated facts: ids unique, both languages, every quote verbatim."""
    from assistant.knowledge import check as check_knowledge

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
def mcp(knowledge: KnowledgeOption = None, data: DataOption = None) -> None:
    """Serve the tools ask, search and document to an MCP client, over standard input and output."""
    settings = _settings(knowledge, data)
    from assistant.mcp import serve_stdio

    @contextmanager
    def begin() -> Iterator[Assistant | remote.Remote]:
        with _opened(settings) as dalil:
            if not isinstance(dalil, remote.Remote):
                _synced(dalil, errors=True)
            yield dalil

    serve_stdio(begin)


@app.command()
def user(
    name: Annotated[str, typer.Argument(help="Who may log in.")],
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the password from standard input.")] = False,
) -> None:
    """Print the line for dalil.toml that lets somebody log in; asks for the password."""
    from assistant.security import hash_password

    if stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if len(password) < MIN_PASSWORD:
        raise SettingsError(f"the password has {len(password)} characters; choose one of at least {MIN_PASSWORD}")
    _print_entry("users", name, hash_password(password))


@app.command()
def token(name: Annotated[str, typer.Argument(help="The program that may ask.")]) -> None:
    """Make a token for a program and print the line for dalil.toml that admits it."""
    from assistant.security import token_digest

    made = secrets.token_urlsafe(32)
    _print_entry("api_tokens", name, token_digest(made))
    _note(f"The token, shown only now; send it as 'Authorization: Bearer {made}'.")


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

    with _own(_settings(knowledge, data)) as dalil:
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


@app.command()
def feedback(
    up: Annotated[bool, typer.Option("--up", help="Only answers that somebody liked.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only answers that somebody disliked.")] = False,
    file: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write cases for the evaluation instead.")
    ] = None,
    knowledge: KnowledgeOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what people thought of answers in the chat, or make cases for the evaluation of it."""
    from assistant.feedback import FEEDBACK_FILE, FeedbackLog, export

    log = FeedbackLog(_settings(knowledge, data).index_dir / FEEDBACK_FILE)
    wanted = {verdict for verdict, chosen in (("up", up), ("down", down)) if chosen} or {"up", "down"}
    entries = [entry for entry in log.entries() if entry.verdict in wanted]
    if file is not None:
        done = export(entries, file)
        if as_json:
            _print_json(
                {name: str(value) if isinstance(value, Path) else value for name, value in asdict(done).items()}
            )
            return
        print(f"{done.file}: {done.cases} cases, ready for 'dalil eval'")
        if done.unfinished:
            print(f"{done.unfinished_file}: {done.unfinished} cases to complete; each says what is missing")
    elif as_json:
        _print_json([entry.model_dump(mode="json") for entry in entries])
    elif not entries:
        print("No feedback yet: people give it with the thumbs below an answer in the chat.")
    else:
        from assistant import terminal

        terminal.console().print(terminal.feedback_table(entries))
        liked = sum(entry.verdict == "up" for entry in entries)
        print(f"{len(entries)} entries: {liked} up, {len(entries) - liked} down")


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
def _own(settings: Settings, rebuild: bool = False) -> Iterator[Assistant]:
    """An assistant of this process."""
    from assistant.assistant import Assistant

    with Assistant(settings, rebuild=rebuild, model_progress=_note) as dalil:
        remote.withdraw(settings.index_dir)  # whoever left word there was killed
        yield dalil


@contextmanager
def _opened(settings: Settings) -> Iterator[Assistant | remote.Remote]:
    """The process that serves this index where there is one, else an assistant of this process."""
    served = remote.find(settings)
    if served is not None:
        yield served
        return
    with _own(settings) as dalil:
        yield dalil


@contextmanager
def _ready(knowledge: Path | None, data: Path | None) -> Iterator[Assistant | remote.Remote]:
    """What can be asked: a process that serves the index, as it is, or an assistant in step with its folder.

    Raises:
        KnowledgeError: there is nothing to answer from.
    """
    settings = _settings(knowledge, data)
    with _opened(settings) as dalil:
        if not isinstance(dalil, remote.Remote):  # looking costs milliseconds where nothing has changed
            report = _synced(dalil, errors=True)
            if not report.passages:
                raise KnowledgeError(
                    f"the knowledge folder {settings.knowledge_dir} holds no documents that can be read; "
                    "add some (.pdf, .docx, .md, .txt and more), then run: dalil sync"
                )
        yield dalil


def _synced(dalil: Assistant | remote.Remote, errors: bool = False) -> SyncReport:
    """Sync, showing how it goes on.

    Args:
        dalil: what syncs.
        errors: name files on standard error in any case; else where the table is not on the same screen.
    """
    from assistant import terminal

    with terminal.progress() as progress:
        report = dalil.sync(progress)
    if errors or not sys.stdout.isatty():
        for place, reason in report.failed.items():
            print(f"dalil: {place}: {reason}", file=sys.stderr)
        for place, doubt in report.warnings.items():
            print(f"dalil: warning: {place}: {doubt}", file=sys.stderr)
    return report


def _show(report: SyncReport) -> None:
    """What changed, file by file."""
    from assistant import terminal

    for table in terminal.summary(report):
        terminal.console().print(table)


def _say_line(report: SyncReport) -> None:
    from assistant import terminal

    print(terminal.line(report), flush=True)


def _sync_and_show(settings: Settings, as_json: bool) -> SyncReport:
    """Sync after the folder was changed; with JSON the caller prints the report."""
    with _opened(settings) as dalil:
        report = _synced(dalil, as_json)
    if not as_json:
        _show(report)
        _say_line(report)
    return report


def _watch(dalil: Assistant | remote.Remote, settings: Settings, as_json: bool) -> None:
    """Follow the knowledge folder until Ctrl-C."""
    from assistant.watch import follow

    def say_json(report: SyncReport) -> None:
        print(json.dumps(to_json(report), ensure_ascii=False), flush=True)

    _note(f"Watching {settings.knowledge_dir}; Ctrl-C ends.")
    try:
        follow(settings.knowledge_dir, settings.index_dir, dalil.sync, say_json if as_json else _say_line)
    except KeyboardInterrupt:
        _note("Stopped watching.")


@contextmanager
def _following(dalil: Assistant) -> Iterator[None]:
    """Follow the knowledge folder in the background."""
    from assistant.watch import follow

    stop = threading.Event()
    settings = dalil.settings

    def run() -> None:
        try:
            follow(settings.knowledge_dir, settings.index_dir, dalil.sync, _say_line, stop)
        except DalilError as error:
            if not stop.is_set():
                _note(f"dalil: {error}; the folder is no longer watched")

    thread = threading.Thread(target=run, name="dalil-watch")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        dalil.close()  # a sync that goes on ends early
        thread.join()


def _argument(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _print_as_it_comes(parts: Iterator[AnswerPiece | Answer]) -> None:
    """An answer on a terminal; what is withdrawn stays on the screen, above a line.

    Where it is broken off, the sources of what was said are named all the same.
    """
    said = ""
    cited: list[Citation] = []
    try:
        for part in parts:
            if isinstance(part, Answer):
                print("" if said else part.text)
                _print_sources(part)
                return
            if part.restart:
                cited.clear()
                if said:
                    print("\n---")
            said += part.text
            cited += part.citations
            print(part.text, end="", flush=True)
    except (DalilError, KeyboardInterrupt):
        if said:
            print()
            _print_citations(cited)
            sys.stdout.flush()
        raise


def _print_answer(answer: Answer) -> None:
    print(answer.text)
    _print_sources(answer)


def _print_sources(answer: Answer) -> None:
    if answer.note:
        print(f"({answer.note})")
    _print_citations(answer.citations)


def _print_citations(citations: Sequence[Citation]) -> None:
    if citations:
        print()
    for citation in citations:
        page = f", p. {citation.page}" if citation.page else ""
        fact = f", fact {citation.fact_id}" if citation.fact_id else ""
        print(f"[{citation.number}] {citation.title} ({citation.document_id}{page}{fact})")
        print(f"    {citation.quote}")


def _print_entry(table: str, name: str, value: str) -> None:
    """A line for dalil.toml, which can stand beside others of its kind, once the settings take it."""
    Settings(**{table: {name: value}})
    print(f"{table}.{json.dumps(name, ensure_ascii=False)} = {json.dumps(value)}")


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
