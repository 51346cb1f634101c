"""Callbacks and webhooks as an application with the official Python library meets them: signatures, fields, instructions.

The server has to be allowed to reach 127.0.0.0/8.
Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= python hooks.py   (needs PyPI package: twilio)
"""

import http.server
import json
import os
import re
import sys
import threading
import time
import urllib.parse

from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

BASE = os.environ["BASE"].rstrip("/")
SID = os.environ["ACCOUNT_SID"]
TOKEN = os.environ["AUTH_TOKEN"]
failed = 0


def check(name, ok, extra=""):
    global failed
    failed += 0 if ok else 1
    print(("ok   " if ok else "FAIL ") + name, extra, flush=True)


class SelfHosted(TwilioHttpClient):
    """Rewrites https://<product>.twilio.com/... to the self-hosted server."""

    def request(self, method, url, *args, **kwargs):
        parts = urllib.parse.urlsplit(url)
        product = re.match(r"^([a-z0-9-]+)\.twilio\.com$", parts.hostname or "")
        if product:
            url = f"{BASE}/{product.group(1)}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return super().request(method, url, *args, **kwargs)


class Application(http.server.BaseHTTPRequestHandler):
    """Accepts every task it is asked about; remembers what it heard."""

    heard = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        self.heard.append((self.path, self.headers, form))
        answer = json.dumps({"instruction": "accept"}).encode() if self.path.startswith("/assign") else b""
        self.send_response(200 if answer else 204)
        if answer:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def wait(ready, seconds=60):
    until = time.monotonic() + seconds
    while not ready() and time.monotonic() < until:
        time.sleep(0.05)
    return ready()


def sync(client, here):
    """Webhooks of state synchronisation: told once, signed like all others."""
    url = f"{here}/sync?from=sinew"
    service = client.sync.v1.services.create(webhook_url=url, webhooks_from_rest_enabled=True)
    at = client.sync.v1.services(service.sid)
    at.documents.create(unique_name="hours", data={"text": "ümlaut & = + 100%", "n": 1.0})
    at.documents("hours").update(data={"open": True})
    at.sync_maps.create(unique_name="map")
    at.sync_maps("map").sync_map_items.create(key="a/b ü", data={"n": 1})
    at.sync_maps("map").delete()
    told = lambda: [one for one in Application.heard if one[0].startswith("/sync")]
    kinds = lambda: sorted(form["EventType"] for _, _, form in told())
    wanted = ["document_created", "document_updated", "map_created", "map_item_added", "map_removed"]
    check("what happens in a service is told", wait(lambda: kinds() == wanted), kinds())
    validator = RequestValidator(TOKEN)
    right = [validator.validate(here + path, form, headers["X-Twilio-Signature"]) for path, headers, form in told()]
    check("the official validator takes every webhook of a service", bool(right) and all(right), f"{len(right)} requests")
    forms = {form["EventType"]: form for _, _, form in told()}
    data = forms["document_created"]["DocumentData"]
    check("values arrive as they were sent", json.loads(data)["text"] == "ümlaut & = + 100%", data)
    check("keys arrive as they are", forms["map_item_added"]["ItemKey"] == "a/b ü")
    at.delete()


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_address[1]}"
    client = Client(SID, TOKEN, http_client=SelfHosted())
    workspace = client.taskrouter.v1.workspaces.create(friendly_name="hooks", event_callback_url=f"{here}/events?from=sinew&x='a%20b'")
    at = client.taskrouter.v1.workspaces(workspace.sid)
    available = next(a for a in at.activities.list() if a.available)
    queue = at.task_queues.create(friendly_name="All", target_workers="1==1")
    at.workflows.create(
        friendly_name="Main",
        configuration=json.dumps({"task_routing": {"default_filter": {"queue": queue.sid}}}),
        assignment_callback_url=f"{here}/assign?key=1",
    )
    at.workers.create(friendly_name="Zoë & co", activity_sid=available.sid, attributes=json.dumps({"name": "Zoë"}))
    task = at.tasks.create(attributes=json.dumps({"text": "ümlaut & = + 100%", "n": [1, 2]}))
    accepted = wait(lambda: at.tasks(task.sid).fetch().assignment_status == "assigned")
    check("an instruction is followed", accepted)

    asked = lambda: [one for one in Application.heard if one[0].startswith("/assign")]
    posted = lambda: [one for one in Application.heard if one[0].startswith("/events")]
    kinds = lambda: {form["EventType"] for _, _, form in posted()}
    wanted = {"workflow.created", "task-queue.created", "worker.created", "task.created"}
    wanted |= {"workflow.entered", "workflow.target-matched", "task-queue.entered", "reservation.created", "reservation.accepted"}
    check("events are posted", wait(lambda: wanted <= kinds()), sorted(wanted - kinds()))

    validator = RequestValidator(TOKEN)
    for name, all_heard in (("callback", asked()), ("webhook", posted())):
        right = [validator.validate(here + path, form, headers["X-Twilio-Signature"]) for path, headers, form in all_heard]
        check(f"the official validator takes every {name}", bool(right) and all(right), f"{len(right)} requests")
    path, headers, form = asked()[0]
    check("and no other token", not RequestValidator("another").validate(here + path, form, headers["X-Twilio-Signature"]))
    check("and no other value", not validator.validate(here + path, {**form, "TaskAge": "99"}, headers["X-Twilio-Signature"]))
    check("attributes arrive as they were sent", json.loads(form["TaskAttributes"])["text"] == "ümlaut & = + 100%", form["TaskAttributes"])
    of_task = [form["EventType"] for _, _, form in posted() if form.get("TaskSid") == task.sid]
    order = ["task.created", "workflow.entered", "workflow.target-matched", "task-queue.entered", "reservation.created"]
    check("a task's events come in order", of_task[:5] == order, of_task)
    at.delete()
    sync(client, here)
    server.shutdown()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
