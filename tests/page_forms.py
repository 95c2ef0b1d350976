"""
The forms of the server's pages, sent without a browser.
"""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from urllib.parse import urlencode

from running_server import Answer, Running, wait_until


def submit(running: Running, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
    """
    Send a form.
    """
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    return running.send("POST", path, urlencode(fields).encode(), **form, **headers)


def form_token(running: Running, path: str, **headers: str) -> str:
    """
    What a page's forms bring back.
    """
    found = re.search(r'name="form_token" value="([^"]+)"', running.get(path, **headers).body.decode())
    assert found is not None
    return unescape(found[1])


def upload(
    running: Running, parts: list[tuple[str, str | None, bytes]], page: str = "/pages/shop/audits"
) -> Answer:
    """
    Send a form with files.
    """
    body = b""
    for name, file, content in parts:
        filename = "" if file is None else f'; filename="{file}"'
        body += f'--edge\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'.encode()
        body += content + b"\r\n"
    kind = "multipart/form-data; boundary=edge"
    return running.send("POST", page, body + b"--edge--\r\n", Content_Type=kind)


def simulate(
    running: Running,
    calls: bytes,
    truth: bytes | None = None,
    *,
    strategies: Sequence[str] = ("guarded",),
    **fields: str,
) -> Answer:
    """
    Upload calls to be simulated under some strategies, with other fields of the form.
    """
    page = "/pages/shop/simulations"
    said = [("form_token", form_token(running, page)), *fields.items(), *(("strategy", one) for one in strategies)]
    files = [("calls", calls), *([("truth", truth)] if truth is not None else [])]
    parts: list[tuple[str, str | None, bytes]] = [(name, None, text.encode()) for name, text in said]
    return upload(running, [*parts, *((name, f"{name}.ndjson", content) for name, content in files)], page)


def audit(running: Running, export: bytes) -> Answer:
    """
    Upload an export to be audited.
    """
    token = form_token(running, "/pages/shop/audits")
    return upload(running, [("form_token", None, token.encode()), ("export", "export.json", export)])


def ended(running: Running, where: str, *, raw: bool = False) -> str:
    """
    What the page of a run says at its end: as it is read, or as it is written.
    """
    wait_until(lambda: b"data-done" in running.get(where).body, what=f"{where} ends")
    text = running.get(where).body.decode()
    return text if raw else unescape(text)
