"""A real client of the Model Context Protocol talks to Dalil, over standard input and output and over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import httpx2
import jsonschema
import pytest
from filelock import FileLock
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import TypeAdapter

from assistant import Assistant
from assistant.desk import Desk
from assistant.errors import VectorServerError
from assistant.mcp import McpEndpoint, answer_text, document_text, hits_text
from assistant.schema import Answer, Document, Hit, to_json
from assistant.security import Access, Guard, token_digest
from tests.helpers import local_client, write_knowledge
from tests.ui.driver import serving

ARABIC = "كم يبلغ طول نهر الأمل؟"
ENGLISH = "How much can the cranes of Salma lift?"
TOKEN = "token-of-a-script"
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def dalil(tiny_dalil: Assistant) -> Assistant:
    return tiny_dalil


def environment(dalil: Assistant, folder: Path | None = None) -> dict[str, str]:
    """What ``dalil mcp`` needs to serve the same, with a data directory of its own."""
    settings = dalil.settings
    return {
        **os.environ,
        "DALIL_KNOWLEDGE_DIR": str(folder / "knowledge" if folder else settings.knowledge_dir),
        "DALIL_DATA_DIR": str(folder / "data" if folder else settings.data_dir),
        "DALIL_CACHE_DIR": str(settings.cache_dir),
        "DALIL_EMBEDDING_MODEL": settings.embedding_model,
        "DALIL_ANSWER_THRESHOLD": "0",
    }


DALIL = ["-c", "from assistant.cli import main; main()"]


@pytest.fixture(scope="module")
def address(dalil: Assistant) -> Iterator[str]:
    """Where the tools are served to whoever has the token."""
    desk = Desk(2)
    access = Access(tokens={"script": token_digest(TOKEN)}, host="0.0.0.0")
    with serving(Guard(McpEndpoint(dalil, desk), access, rate_limit=0)) as address:
        yield address
    desk.close()


@asynccontextmanager
async def over_http(address: str, token: str = TOKEN, mode: str = "auto") -> AsyncIterator[Client]:
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"})
    async with http, Client(streamable_http_client(f"{address}/mcp", http_client=http), mode=mode) as client:
        yield client


@asynccontextmanager
async def over_stdio(env: dict[str, str], errors: Path) -> AsyncIterator[Client]:
    server = StdioServerParameters(command=sys.executable, args=[*DALIL, "mcp"], env=env)
    with errors.open("w") as stream:
        async with Client(stdio_client(server, errlog=stream)) as client:
            yield client


async def examine(client: Client, dalil: Assistant) -> None:
    """All tools, in both languages; whatever carries them."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"ask", "search", "document"}
    assert all(tool.annotations.read_only_hint for tool in tools.values())
    for question in (ARABIC, ENGLISH):
        done = await client.call_tool("ask", {"question": question})
        assert not done.is_error
        jsonschema.validate(done.structured_content, tools["ask"].output_schema)
        answer = TypeAdapter(Answer).validate_python(done.structured_content)
        expected = dalil.ask(question)
        assert (answer.text, answer.citations) == (expected.text, expected.citations)
        assert done.content[0].text == answer_text(expected)
        assert answer.citations[0].quote in done.content[0].text

        found = await client.call_tool("search", {"query": question, "limit": 2})
        jsonschema.validate(found.structured_content, tools["search"].output_schema)
        hits = TypeAdapter(list[Hit]).validate_python(found.structured_content["hits"])
        assert hits == dalil.search(question, 2)
        assert found.content[0].text == hits_text(hits)

        read = await client.call_tool("document", {"document_id": answer.citations[0].document_id})
        jsonschema.validate(read.structured_content, tools["document"].output_schema)
        document = TypeAdapter(Document).validate_python(read.structured_content)
        assert document == dalil.document(document.id)
        assert read.content[0].text == document_text(document)
    history = [["ما هو نهر الأمل؟", "ينبع نهر الأمل من جبل الثلج في الشمال. [1]"]]
    done = await client.call_tool("ask", {"question": "وكم طوله؟", "history": history, "language": "en"})
    expected = dalil.ask("وكم طوله؟", [tuple(turn) for turn in history], "en")
    assert done.structured_content["confidence"] == expected.confidence
    assert done.structured_content["language"] == "en"


async def examine_mistakes(client: Client) -> None:
    """What is wrong is said in the result, for a model to read."""
    for name, arguments, message in (
        ("ask", {}, "question: Field required"),
        ("ask", {"question": "؟"}, "the question holds no words"),
        ("ask", {"question": "س", "language": "fr"}, "language: Input should be 'ar' or 'en'"),
        ("ask", {"question": "س", "colour": 1}, "colour: Extra inputs are not permitted"),
        ("search", {"query": "س", "limit": 0}, "limit: Input should be greater than or equal to 1"),
        ("document", {"document_id": "../../etc/passwd"}, "no document '../../etc/passwd' is indexed"),
        ("document", {"document_id": "\u202emd.ra"}, "is indexed"),
    ):
        done = await client.call_tool(name, arguments)
        assert done.is_error
        assert message in done.content[0].text


# --- over HTTP ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tools_over_http(address: str, dalil: Assistant, mode: str):
    async with over_http(address, mode=mode) as client:
        await examine(client, dalil)
        await examine_mistakes(client)


async def test_many_at_once_over_http(address: str, dalil: Assistant):
    expected = dalil.ask(ARABIC).text

    async def ask() -> None:
        async with over_http(address) as client:
            done = await client.call_tool("ask", {"question": ARABIC})
            assert done.structured_content["text"] == expected

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(ask)


async def test_a_wrong_token_is_no_entry(address: str):
    async with httpx.AsyncClient() as client:
        refused = await client.post(f"{address}/mcp", json={}, headers={"Authorization": "Bearer wrong"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "login_required")
    with pytest.raises(ExceptionGroup):
        async with over_http(address, "wrong") as client:
            await client.list_tools()


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("DELETE", 405)])
async def test_only_post_is_answered(address: str, method: str, status: int):
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        refused = await client.request(method, f"{address}/mcp")
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, "method_not_allowed")


async def test_the_tools_are_at_one_address(address: str):
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        refused = await client.post(f"{address}/mcp/tools", json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"jsonrpc": "2.0"}', b"\xff"])
async def test_what_is_not_the_protocol_is_a_clear_refusal(address: str, body: bytes):
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    async with httpx.AsyncClient(headers=headers) as client:
        refused = await client.post(f"{address}/mcp", content=body)
    assert 400 <= refused.status_code < 500
    assert refused.json()["error"]["message"]
    assert "Traceback" not in refused.text


@pytest.mark.parametrize("local", [True, False])
def test_what_only_the_operator_should_know_stays_here(dalil: Assistant, local: bool):
    class Failing:
        def ask(self, *_: object) -> Answer:
            raise VectorServerError("the Chroma server at http://10.0.0.1 does not answer")

    desk = Desk(1)
    access = Access() if local else Access(tokens={"script": token_digest(TOKEN)}, host="0.0.0.0")
    client = local_client(Guard(McpEndpoint(Failing(), desk), access))
    call = {"name": "ask", "arguments": {"question": ARABIC}}
    response = client.post(
        "/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
        headers={"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {TOKEN}"},
    )
    desk.close()
    result = response.json()["result"]
    assert result["isError"]
    assert ("10.0.0.1" in result["content"][0]["text"]) is local


# --- over standard input and output ------------------------------------------------------------------


async def test_the_tools_over_stdio(dalil: Assistant, tmp_path: Path):
    write_knowledge(tmp_path / "knowledge")
    async with over_stdio(environment(dalil, tmp_path), tmp_path / "errors") as client:
        await examine(client, dalil)
        await examine_mistakes(client)
    assert "Traceback" not in (tmp_path / "errors").read_text()


async def test_a_running_server_answers_for_it(dalil: Assistant, tmp_path: Path):
    write_knowledge(tmp_path / "knowledge")
    env = environment(dalil, tmp_path)
    serve = [sys.executable, *DALIL, "serve", "--port", "0"]

    def started() -> subprocess.Popen[str]:
        process = subprocess.Popen(serve, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        next(line for line in process.stdout if line.startswith("Dalil is at "))
        return process

    server = started()
    try:
        async with over_stdio(env, tmp_path / "errors") as client:
            await examine(client, dalil)
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=30)
            with FileLock(tmp_path / "data" / "lock"):  # somebody has the directory and serves nobody
                gone = await client.call_tool("ask", {"question": ARABIC})
            assert gone.is_error
            assert "is in use by another dalil process" in gone.content[0].text
            server = started()
            again = await client.call_tool("ask", {"question": ARABIC})
            assert again.structured_content["text"] == dalil.ask(ARABIC).text
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_nothing_but_the_protocol_is_on_standard_output(dalil: Assistant, tmp_path: Path):
    (tmp_path / "knowledge").mkdir()  # empty, which is worth a warning, but not there
    first = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "عميل", "version": "1"},
        },
    }
    ask = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "ask", "arguments": {"question": ARABIC}},
    }
    initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    process = subprocess.Popen(
        [sys.executable, *DALIL, "mcp"],
        env=environment(dalil, tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    lines = []
    for message in (first, initialized, ask):
        process.stdin.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
        process.stdin.flush()
        if "id" in message:
            lines.append(json.loads(process.stdout.readline()))
    out, err = process.communicate(timeout=30)  # closes the input, which ends it
    assert (process.returncode, out) == (0, b"")
    assert [line["id"] for line in lines] == [1, 2]
    assert lines[0]["result"]["serverInfo"]["name"] == "dalil"
    assert lines[1]["result"]["structuredContent"]["answered"] is False
    assert b"Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_signal_ends_it_though_the_input_stays_open(dalil: Assistant, tmp_path: Path):
    write_knowledge(tmp_path / "knowledge")
    process = subprocess.Popen(
        [sys.executable, *DALIL, "mcp"],
        env=environment(dalil, tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    call = {"name": "search", "arguments": {"query": "المنارة"}}
    meta = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    for message in (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": meta},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ):
        print(json.dumps(message), file=process.stdin, flush=True)
    assert json.loads(process.stdout.readline())["id"] == 1
    assert json.loads(process.stdout.readline())["id"] == 2
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 130
    assert "Traceback" not in process.stderr.read()
    with FileLock(tmp_path / "data" / "lock", timeout=0):
        pass


# --- as it is read -----------------------------------------------------------------------------------


def test_an_answer_reads_with_its_sources(dalil: Assistant):
    answer = dalil.ask(ARABIC)
    text = answer_text(answer)
    assert text.startswith(f"{answer.text}\n\n[1] نهر الأمل (documents/river.ar.md): “")
    assert to_json(answer)["citations"][0]["quote"] in text
