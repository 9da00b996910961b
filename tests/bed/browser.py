"""A browser without a screen: it follows redirects, keeps cookies by their host, path and Secure,
and fills in forms. SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import email.message
import html.parser
import http.cookiejar
import ssl
import urllib.parse
import urllib.request
from dataclasses import dataclass

from .http_client import Answer, Client, Dial

HOPS = 20  # redirects, as browsers follow


class _Forms(html.parser.HTMLParser):
    """The first form of a page, and links."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self.refresh = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {k: v or "" for k, v in attrs}
        if tag == "form" and self.action is None:
            self.action = have.get("action", "")
        elif tag == "input" and "value" in have:
            self.fields[have["name"]] = have["value"]
        elif tag == "a":
            self.links.append(have.get("href", ""))
        elif tag == "meta" and have.get("http-equiv") == "refresh":
            self.refresh = have["content"].partition("url=")[2]


class _Fields:
    """What a cookie jar wants of an answer."""

    def __init__(self, answer: Answer) -> None:
        self._message = email.message.Message()
        for name, value in answer.fields:
            self._message[name] = value

    def info(self) -> email.message.Message:
        return self._message


@dataclass
class Page:
    """What the browser shows."""
    url: str
    answer: Answer

    @property
    def status(self) -> int:
        return self.answer.status

    def forms(self) -> _Forms:
        parsed = _Forms()
        parsed.feed(self.answer.text())
        return parsed


class Browser:
    """One profile: cookies that nobody else has. dial: where hosts are reached."""

    def __init__(self, dial: Dial, tls: ssl.SSLContext) -> None:
        self.jar = http.cookiejar.CookieJar()
        self._dial, self._tls = dial, tls

    def fetch(self, url: str, data: bytes | None = None, **headers: str) -> Page:
        """One request, as it is."""
        parts = urllib.parse.urlsplit(url)
        request = urllib.request.Request(url, data)
        self.jar.add_cookie_header(request)
        cookie = request.get_header("Cookie")
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        if cookie:
            fields["Cookie"] = cookie
        if data is not None:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        tls = self._tls if secure else None
        with Client(self._dial, parts.hostname or "", port, tls) as client:
            answer = client.ask("GET" if data is None else "POST", path, data, fields)
        self.jar.extract_cookies(_Fields(answer), request)  # type: ignore[arg-type]
        return Page(url, answer)

    def go(self, url: str, data: bytes | None = None) -> Page:
        """A navigation, to the page at its end."""
        for _ in range(HOPS):
            page = self.fetch(url, data, Accept="text/html,*/*;q=0.8", Sec_Fetch_Mode="navigate",
                              Sec_Fetch_Dest="document")
            target = page.answer.headers.get("location", "")
            if page.status not in (301, 302, 303, 307, 308):
                target = page.forms().refresh if b"<meta" in page.answer.body else ""
            if not target:
                return page
            url, data = urllib.parse.urljoin(url, target), None
        raise RuntimeError(f"too many redirects, the last one to {url}")

    def submit(self, page: Page, **values: str) -> Page:
        """The page's form, with these values."""
        form = page.forms()
        assert form.action is not None, page.answer
        body = urllib.parse.urlencode({**form.fields, **values}).encode()
        return self.go(urllib.parse.urljoin(page.url, form.action), body)

    def cookies(self, host: str) -> dict[str, http.cookiejar.Cookie]:
        return {c.name: c for c in self.jar if c.domain.lstrip(".") == host}
