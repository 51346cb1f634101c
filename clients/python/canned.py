"""A small HTTP server that stands in for a customer's application: canned answers, and what was asked.

* Every path is a list of answers, used in turn, the last one repeating; a path without one gets 204.
* `{"timeout": true}` never answers: the connection stays open until the server closes.
"""

import http.server
import json
import threading
import urllib.parse


class Canned:
    """Answers on a free loopback port until `close`."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.over = threading.Event()
        canned = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                form = urllib.parse.parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
                canned.answer(self, {name: values[0] for name, values in form.items()})

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}/{path}"

    def answer(self, handler, form):
        path = handler.path.lstrip("/")
        self.asked.append((path, form))
        answers = self.answers.get(path, [{"status": 204}])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.get("timeout"):
            self.over.wait()
            handler.close_connection = True
            return
        body = answer.get("body")
        text = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        handler.send_response(answer["status"])
        if "content_type" in answer:
            handler.send_header("Content-Type", answer["content_type"])
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def take(self, path):
        """How often this path was asked since the last time."""
        count = sum(1 for asked, _ in self.asked if asked == path)
        self.asked = [one for one in self.asked if one[0] != path]
        return count

    def forms(self, path):
        """What was posted there so far."""
        return [form for asked, form in self.asked if asked == path]

    def close(self):
        self.over.set()
        self.server.shutdown()
