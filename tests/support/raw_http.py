"""Raw bytes on the socket of an HTTP server: what no client library would send."""

import asyncio
from urllib.parse import urlsplit


async def send_raw(base: str, content: bytes) -> bytes:
    """Send raw bytes; return the response up to the end of the connection or the first pause."""
    url = urlsplit(base)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    answer = b""
    try:
        writer.write(content)
        await writer.drain()
        while piece := await asyncio.wait_for(reader.read(1 << 16), 0.2 if answer else 2.5):
            answer += piece
    except (ConnectionError, TimeoutError):
        pass
    finally:
        writer.close()
    return answer


def read_statuses(answer: bytes) -> list[int]:
    """Return the statuses of all responses in *answer*."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def list_garbage(path: bytes) -> dict[str, bytes]:
    """Return requests about *path* that no server may answer with a 5xx, by name. *path* takes GET or POST."""
    post = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n"
    get = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    return {
        "an empty request": b"",
        "no http": b"hello\r\n\r\n",
        "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,
        "nul": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        "no version": b"GET /\r\n\r\n",
        "a long line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        "a long header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n"
        + b"".join(b"X-%d: 1\r\n" % n for n in range(50_000))
        + b"\r\n",
        "a header without end": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000,
        "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        "a header that is no text": b"GET " + path + b" HTTP/1.1\r\nHost: \xff\xfe\r\nX: \xff\r\n\r\n",
        "two lengths": post + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        "length and chunks": post + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "a negative length": post + b"Content-Length: -1\r\n\r\n",
        "an odd length": post + b"Content-Length: 1e3\r\n\r\n",
        "a vast length": post + b"Content-Length: 99999999999999999999\r\n\r\n",
        "a bad chunk": post + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n0\r\n\r\n",
        "a vast chunk": post + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
        "an unknown coding": post + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "a body cut short": post + b"Content-Length: 1000\r\n\r\nabc",
        "an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "a proxy request": b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        "an odd method": b"FOO " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        "a broken escape": b"GET " + path + b"/%zz%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        "expectations": post + b"Expect: miracles\r\nContent-Length: 0\r\n\r\n",
        "pipelined garbage": get * 3 + b"\x00\x01\x02 garbage\r\n\r\n",
        "pipelined requests": get * 200,
    }
