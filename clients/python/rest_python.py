# The official Python library against TaskRouter over REST.
# Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= [REST_TEMPLATE='http://host:port/{product}'] python rest_python.py   (needs PyPI package: twilio)
import datetime
import json
import os
import re
import sys
import time
from urllib.parse import urlsplit

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

BASE = os.environ["BASE"].rstrip("/")
TEMPLATE = os.environ.get("REST_TEMPLATE", BASE + "/{product}")
SID = os.environ["ACCOUNT_SID"]
TOKEN = os.environ["AUTH_TOKEN"]
failed = 0


def check(name, ok, extra=""):
    global failed
    failed += 0 if ok else 1
    print(("ok   " if ok else "FAIL ") + name, extra, flush=True)


def refused(name, call, status, code=None):
    try:
        check(name, False, repr(call()))
    except TwilioRestException as e:
        check(name, e.status == status and (code is None or e.code == code), str(e).replace("\n", " "))
    except TwilioException as e:  # what the library makes of a page that is refused
        check(name, f"HTTP {status} " in str(e) and (code is None or f'"code":{code},' in str(e)), str(e))


class SelfHosted(TwilioHttpClient):
    """Rewrites https://<product>[.<edge>.<region>].twilio.com/... to the self-hosted server."""

    def request(self, method, url, *args, **kwargs):
        parts = urlsplit(url)
        m = re.match(r"^([a-z0-9-]+)(\..+)?\.twilio\.com$", parts.hostname or "")
        if m:
            url = TEMPLATE.replace("{product}", m.group(1)) + parts.path + (("?" + parts.query) if parts.query else "")
        return super().request(method, url, *args, **kwargs)


def workspaces(client, direct):
    spaces = [client.taskrouter.v1.workspaces.create(friendly_name="py-%d-%d" % (time.time(), i)) for i in range(3)]
    check("meta paging, datetimes", len(client.taskrouter.v1.workspaces.list(page_size=2)) >= 3 and hasattr(spaces[0].date_created, "year"), repr(spaces[0].date_created))
    check("meta paging through base_url", len(direct.taskrouter.v1.workspaces.list(page_size=2)) >= 3)
    for s in spaces[1:]:
        check("delete", client.taskrouter.v1.workspaces(s.sid).delete() is True)
    refused("404", lambda: client.taskrouter.v1.workspaces(spaces[1].sid).fetch(), 404, 20404)
    stranger = Client(SID, "wrong", http_client=SelfHosted())
    refused("bad credentials refused", lambda: stranger.taskrouter.v1.workspaces.create("X"), 401, 20003)
    return client.taskrouter.v1.workspaces(spaces[0].sid)


def resources(space):
    available = next(a for a in space.activities.list() if a.available)
    worker = space.workers.create("alice", activity_sid=available.sid, attributes='{"level": 3,  "name?": "é"}')
    check("worker attributes are kept as text", worker.attributes == '{"level": 3,  "name?": "é"}', worker.attributes)
    check("worker channels", {c.task_channel_unique_name for c in space.workers(worker.sid).worker_channels.list()} >= {"default", "voice", "chat"})
    queue = space.task_queues.create("Third level", target_workers="level >= 3")
    configuration = json.dumps({"task_routing": {"default_filter": {"queue": queue.sid}}})
    workflow = space.workflows.create("Default", configuration, task_reservation_timeout=90)
    check("workflow", space.workflows(workflow.sid).fetch().task_reservation_timeout == 90)
    refused("bad expression refused", lambda: space.task_queues.create("X", target_workers="level >= >="), 400)
    refused("worker name taken", lambda: space.workers.create("Alice"), 400, 20001)
    return worker, workflow


def life(space, worker, workflow):
    attributes = '{"rdForm":"{a=b, c=}", "amount": 1.50, "nothing": null, "a":"é"}'
    task = space.tasks.create(attributes=attributes, workflow_sid=workflow.sid, priority=2)
    check("task created, attributes byte for byte", task.attributes == attributes and task.priority == 2, task.attributes)
    offers = space.tasks(task.sid).reservations.list(reservation_status="pending")
    check("offered to the worker", [o.worker_sid for o in offers] == [worker.sid])
    accepted = space.tasks(task.sid).reservations(offers[0].sid).update(reservation_status="accepted")
    check("reservation accepted", accepted.reservation_status == "accepted")
    refused("stale If-Match gives 412", lambda: space.tasks(task.sid).update(if_match="9999", attributes="{}"), 412)
    done = space.tasks(task.sid).update(assignment_status="completed", reason="solved")
    check("task completed", (done.assignment_status, done.reason, done.attributes) == ("completed", "solved", attributes))
    refused("completed only once", lambda: space.tasks(task.sid).update(assignment_status="completed"), 400)
    check("tasks listed by status", [t.sid for t in space.tasks.list(assignment_status=["completed"])] == [task.sid])


def events(space, worker, workflow):
    listed = space.events.list()
    created = next(e for e in listed if e.event_type == "task.created")
    check("events with their data", created.event_data["task_attributes"].startswith("{") and created.event_date_ms // 1000 == int(created.event_date.timestamp()), created.event_data)
    of = lambda **filters: [e.event_type for e in space.events.list(**filters)]
    check("events of a task", of(task_sid=created.event_data["task_sid"])[:2] == ["task.created", "workflow.entered"])
    accepted = space.events.list(event_type="reservation.accepted")
    check("events of a type", [e.event_data["worker_sid"] for e in accepted] == [worker.sid])
    check("events of a reservation", set(of(reservation_sid=accepted[0].resource_sid)) >= {"reservation.created", "reservation.completed"})
    check("events of a worker", of(worker_sid=worker.sid)[0] == "worker.created")
    check("events of a queue", "task-queue.entered" in of(task_queue_sid=accepted[0].event_data["task_queue_sid"]))
    check("events of a workflow", of(workflow_sid=workflow.sid)[0] == "workflow.created")
    check("events of a task channel", "task.created" in of(task_channel="default") and "task.created" not in of(task_channel="voice"))
    check("event by its SID", of(sid=created.sid) == ["task.created"] and space.events(created.sid).fetch().sid == created.sid)
    now = datetime.datetime.now(datetime.timezone.utc)
    hour, half = now - datetime.timedelta(hours=1), now - datetime.timedelta(minutes=30)
    check("events of a time", of(start_date=hour, end_date=half) == [] and len(of(start_date=hour)) == len(listed) == len(of(minutes=5)))
    check("events page by page", [e.sid for e in space.events.list(page_size=7)] == [e.sid for e in listed])
    refused("unknown type of event", lambda: space.events.list(event_type="task.exploded"), 400, 20001)


def signatures():
    v = RequestValidator("12345")
    u, p = "https://example.test/voice?foo=1&bar=2", {"CallSid": "CA1", "From": "+1", "To": "+2", "Digits": "1234"}
    check("webhook signature", v.validate(u, p, v.compute_signature(u, p)), v.compute_signature(u, p))


def main():
    client = Client(SID, TOKEN, http_client=SelfHosted())
    direct = Client(SID, TOKEN)
    direct.taskrouter.base_url = TEMPLATE.replace("{product}", "taskrouter")
    space = workspaces(client, direct)
    worker, workflow = resources(space)
    life(space, worker, workflow)
    events(space, worker, workflow)
    check("workspace with everything in it deleted", space.delete() is True)
    signatures()
    sys.exit(1 if failed else 0)


main()
