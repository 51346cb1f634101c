"""Runs the routing scenarios of testkit/vectors from outside: REST alone, on a server whose clock is manual.

* Reads nothing but replies, and what the server sends to a small application of this script's own.
* Whatever a scenario holds is understood or the scenario fails: an unknown key is an error, nothing is skipped.

Run: BASE=http://host:port ACCOUNT_SID=… AUTH_TOKEN=… python scenarios.py [scenario id …]
"""

import base64
import datetime
import glob
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

from canned import Canned

BASE = os.environ["BASE"].rstrip("/")
CREDENTIALS = f"{os.environ['ACCOUNT_SID']}:{os.environ['AUTH_TOKEN']}"
VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../testkit/vectors")
# Every key a scenario may have, by where it stands.
KEYS = {
    "scenario": "id title comment note setup steps",
    "setup": "workspace activities channels workers queues workflows",
    "workspace": "multi_task prioritize_queue_order default_activity timeout_activity event_callback events_filter",
    "activity": "name available",
    "worker": "name activity attributes channels idle_since",
    "share": "capacity available",
    "queue": "name target_workers task_order max_reserved_workers reservation_activity assignment_activity",
    "workflow": "name configuration task_reservation_timeout callbacks",
    "callbacks": "assignment fallback",
    "step": "at op as task worker queue workflow activity channel params if_match max resource name http unordered expect note",
    "expect": "tasks reservations workers events no_events callbacks delivered_events stats",
    "expected task": "assignment_status queue priority reason",
    "expected worker": "activity available channels",
    "expected share": "assigned_tasks available_capacity_percentage",
    "expected event": "type task worker",
}
STATISTICS = {
    "task_queue_real_time": "TaskQueues/{}/RealTimeStatistics",
    "task_queue_cumulative": "TaskQueues/{}/CumulativeStatistics",
    "workflow_real_time": "Workflows/{}/RealTimeStatistics",
    "workflow_cumulative": "Workflows/{}/CumulativeStatistics",
    "workspace_real_time": "RealTimeStatistics",
    "workspace_cumulative": "CumulativeStatistics",
    "workers_real_time": "Workers/RealTimeStatistics",
    "workers_cumulative": "Workers/CumulativeStatistics",
    "worker": "Workers/{}/Statistics",
    "task_queue_bulk_real_time": "TaskQueues/RealTimeStatistics",
}


class Wrong(Exception):
    """The server did something else than the scenario says."""


def known(kind, value):
    """The same value, all of whose keys are known."""
    unknown = set(value) - set(KEYS[kind].split())
    if unknown:
        raise Wrong(f"the scenario has {kind} keys that nothing checks: {', '.join(sorted(unknown))}")
    return value


def check_keys(scenario):
    setup = known("setup", known("scenario", scenario)["setup"])
    known("workspace", setup.get("workspace", {}))
    for kind, plural in (("activity", "activities"), ("queue", "queues"), ("workflow", "workflows"), ("worker", "workers")):
        for one in setup.get(plural, []):
            known(kind, one)
            known("callbacks", one.get("callbacks", {}))
            for share in one.get("channels", {}).values():
                known("share", share)
    for step in scenario["steps"]:
        expect = known("expect", known("step", step).get("expect", {}))
        for task in expect.get("tasks", {}).values():
            known("expected task", task)
        for worker in expect.get("workers", {}).values():
            for share in known("expected worker", worker).get("channels", {}).values():
                known("expected share", share)
        for event in expect.get("events", []) + expect.get("no_events", []):
            known("expected event", {"type": event} if isinstance(event, str) else event)
        known("callbacks", expect.get("callbacks", {}))


def request(method, path, form=None, body=None, if_match=None):
    """(status, reply or None, ETag)"""
    headers = {"Authorization": "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()}
    data = None
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    if if_match:
        headers["If-Match"] = if_match
    call = urllib.request.Request(BASE + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(call, timeout=120) as reply:
            text = reply.read()
            return reply.status, json.loads(text) if text else None, reply.headers.get("ETag")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), None


def must(status, method, path, form=None, body=None):
    got, reply, _ = request(method, path, form, body)
    if got != status:
        raise Wrong(f"{method} {path} answered {got} instead of {status}: {reply}")
    return reply


def advance(seconds):
    now = must(200, "POST", "/sinew/v1/Clock", body={"advance_ms": round(seconds * 1000)})["now"]
    return datetime.datetime.fromisoformat(now.replace("Z", "+00:00"))


def word(value):
    return str(value).lower() if isinstance(value, bool) else value


def fields(source, names):
    """Form fields for those of `names` ({key: parameter}) that `source` has."""
    return {names[key]: word(source[key]) for key in names if source.get(key) is not None}


class World:
    """One scenario's workspace."""

    def __init__(self, scenario, application):
        setup = scenario["setup"]
        self.id = scenario["id"]
        self.application = application
        self.sids = {}
        self.now = 0
        self.seen = set()
        expects = [step.get("expect", {}) for step in scenario["steps"]]
        self.reads_events = any("events" in expect or "no_events" in expect for expect in expects)
        self.make_workspace(scenario["id"], setup)
        self.make_workers(setup.get("workers", []))
        for queue in setup.get("queues", []):
            self.make("TaskQueues", queue["name"], self.queue_fields(queue))
        for workflow in setup.get("workflows", []):
            self.make_workflow(workflow)
        self.start = advance(0)
        self.news()
        for workflow in setup.get("workflows", []):
            for kind, answers in workflow.get("callbacks", {}).items():
                application.answers[f"{self.id}/{kind}"] = self.with_sids(answers)

    def path(self, *parts):
        return "/".join([self.root, *parts])

    def make(self, kind, name, form):
        self.sids[name] = must(201, "POST", self.path(kind), {"FriendlyName": name, **form})["sid"]

    def make_workspace(self, name, setup):
        workspace = setup.get("workspace", {})
        named = {"multi_task": "MultiTaskEnabled", "prioritize_queue_order": "PrioritizeQueueOrder", "events_filter": "EventsFilter"}
        form = {"FriendlyName": name, **fields(workspace, named)}
        if workspace.get("event_callback"):
            form["EventCallbackUrl"] = self.application.url(f"{name}/events")
        self.root = "/taskrouter/v1/Workspaces/" + must(201, "POST", "/taskrouter/v1/Workspaces", form)["sid"]
        for activity in must(200, "GET", self.path("Activities"))["activities"]:
            self.sids[activity["friendly_name"]] = activity["sid"]
        for activity in setup.get("activities", []):
            if activity["name"] not in self.sids:
                self.make("Activities", activity["name"], {"Available": word(activity["available"])})
        chosen = {"default_activity": "DefaultActivitySid", "timeout_activity": "TimeoutActivitySid"}
        update = {chosen[key]: self.sids[workspace[key]] for key in chosen if key in workspace}
        if update:
            must(200, "POST", self.root, update)
        known = {one["unique_name"] for one in must(200, "GET", self.path("TaskChannels"))["channels"]}
        for channel in setup.get("channels", []):
            if channel not in known:
                must(201, "POST", self.path("TaskChannels"), {"FriendlyName": channel, "UniqueName": channel})

    def make_workers(self, workers):
        """The order of idleness comes from creating them in that order, at their distances in time."""
        before = None
        for worker in sorted(workers, key=lambda one: one.get("idle_since", 0)):
            idle_since = worker.get("idle_since", 0)
            if before is not None and idle_since > before:
                advance(idle_since - before)
            before = idle_since
            form = {"Attributes": json.dumps(worker.get("attributes", {}))}
            if "activity" in worker:
                form["ActivitySid"] = self.sids[worker["activity"]]
            self.make("Workers", worker["name"], form)
            for channel, share in worker.get("channels", {}).items():
                form = fields(share, {"capacity": "Capacity", "available": "Available"})
                must(200, "POST", self.path("Workers", self.sids[worker["name"]], "Channels", channel), form)
        if before is not None and before < 0:
            advance(-before)

    def queue_fields(self, queue):
        named = {"target_workers": "TargetWorkers", "task_order": "TaskOrder", "max_reserved_workers": "MaxReservedWorkers"}
        form = fields(queue, named)
        for key, parameter in (("reservation_activity", "ReservationActivitySid"), ("assignment_activity", "AssignmentActivitySid")):
            if queue.get(key):
                form[parameter] = self.sids[queue[key]]
        return form

    def make_workflow(self, workflow):
        form = {"Configuration": json.dumps(self.with_sids(workflow["configuration"]))}
        for kind, parameter in (("assignment", "AssignmentCallbackUrl"), ("fallback", "FallbackAssignmentCallbackUrl")):
            if kind in workflow.get("callbacks", {}):
                form[parameter] = self.application.url(f"{self.id}/{kind}")
        form |= fields(workflow, {"task_reservation_timeout": "TaskReservationTimeout"})
        self.make("Workflows", workflow["name"], form)

    def with_sids(self, value):
        """The same value with every "@name" replaced by that object's SID."""
        if isinstance(value, dict):
            return {key: self.with_sids(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.with_sids(inner) for inner in value]
        if isinstance(value, str) and value.startswith("@"):
            return self.sids.get(value[1:], value)
        return value

    def form(self, params):
        form = {}
        for key, value in self.with_sids(params).items():
            if key == "VirtualStartTimeOffset":
                at = self.start + datetime.timedelta(seconds=self.now + value)
                form["VirtualStartTime"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            elif key in ("StartDateOffset", "EndDateOffset"):
                at = self.start + datetime.timedelta(seconds=self.now + value)
                form[key.removesuffix("Offset")] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            else:
                form[key] = json.dumps(value) if isinstance(value, (dict, list)) else word(value)
        return form

    def reservations(self, task):
        path = self.path("Tasks", self.sids[task], "Reservations") + "?PageSize=1000"
        return must(200, "GET", path)["reservations"]

    def step(self, step):
        if step["at"] > self.now:
            advance(step["at"] - self.now)
            self.now = step["at"]
        done = self.operate(step)
        if done is not None:
            status, reply, _ = done
            wanted = step.get("http", 200)
            refused = wanted == 400 and 400 <= status < 500 and status not in (404, 410, 412, 429)
            if status != wanted and not refused:
                raise Wrong(f"{step['op']} at {step['at']} answered {status} instead of {wanted}: {reply}")
        advance(0)
        self.check(step, done)

    def operate(self, step):
        kind, form = step["op"], self.form(step.get("params", {}))
        plural = {"task": "Tasks", "worker": "Workers", "queue": "TaskQueues", "workflow": "Workflows", "activity": "Activities"}
        verb, _, noun = kind.partition("_")
        if kind == "stats":
            return self.statistics(step)
        if kind == "update_workspace":
            return request("POST", self.root, form)
        if kind == "check":
            return None
        if kind == "reject_until_settled":
            return self.reject_until_settled(step)
        if kind == "update_reservation":
            worker = self.sids[step["worker"]]
            newest = [one for one in self.reservations(step["task"]) if one["worker_sid"] == worker][-1]
            path = self.path("Tasks", self.sids[step["task"]], "Reservations", newest["sid"])
            return request("POST", path, form, if_match=self.if_match(step, path))
        if kind == "update_worker_channel":
            return request("POST", self.path("Workers", self.sids[step["worker"]], "Channels", step["channel"]), form)
        if verb == "create":
            named = form if noun == "task" else {"FriendlyName": step["as"], **form}
            done = request("POST", self.path(plural[noun]), named)
            if done[0] == 201:
                self.sids[step["as"]] = done[1]["sid"]
            return done
        if verb not in ("update", "delete", "get") or noun not in plural:
            raise Wrong(f"there is no operation '{kind}'")
        path = self.path(plural[noun], self.sids[step[noun]])
        method = {"update": "POST", "delete": "DELETE", "get": "GET"}[verb]
        return request(method, path, form if verb == "update" else None, if_match=self.if_match(step, path))

    def if_match(self, step, path):
        """What `if_match` stands for: the version just read, any other, or the one that is written there."""
        wanted = step.get("if_match")
        return request("GET", path)[2] if wanted == "@current" else '"99"' if wanted == "@stale" else wanted

    def statistics(self, step):
        path = self.path(STATISTICS[step["resource"]].format(self.sids.get(step.get("name"), "")))
        params = dict(step.get("params", {}))
        if step["resource"] == "task_queue_bulk_real_time":
            name, times = params.get("QueueSidsRepeat", (None, 0))
            queues = self.with_sids(params.get("QueueSids", [name] * times))
            done = request("POST", path, body={"QueueSids": queues})
        else:
            query = urllib.parse.urlencode(self.form(params))
            done = request("GET", path + ("?" + query if query else ""))
        return done

    def news(self):
        """The events since the last time, oldest first."""
        if not self.reads_events:
            return []
        start = (self.start - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        path, events = self.path("Events") + "?" + urllib.parse.urlencode({"StartDate": start, "PageSize": 1000}), []
        while path:
            page = must(200, "GET", path)
            events += [event for event in page["events"] if event["sid"] not in self.seen]
            following = page["meta"]["next_page_url"]
            path = following and following[following.index("/taskrouter/"):]
        self.seen |= {event["sid"] for event in events}
        return events

    def reject_until_settled(self, step):
        for _ in range(step["max"]):
            pending = [one for one in self.reservations(step["task"]) if one["reservation_status"] == "pending"]
            if not pending:
                return
            path = self.path("Tasks", self.sids[step["task"]], "Reservations", pending[-1]["sid"])
            must(200, "POST", path, {"ReservationStatus": "rejected"})

    def check(self, step, done):
        expect = step.get("expect", {})
        if self.reads_events:
            self.check_events(step, expect)
        for kind, count in expect.get("callbacks", {}).items():
            self.same(step, kind, "callbacks", self.application.take(f"{self.id}/{kind}"), count)
        if "delivered_events" in expect:
            got = sorted({form["EventType"] for form in self.application.forms(f"{self.id}/events")})
            self.same(step, "events", "delivered", got, sorted(set(expect["delivered_events"])))
        if "stats" in expect and not holds(done[1], self.with_sids(expect["stats"])):
            raise Wrong(f"after {step['op']} at {step['at']}: {json.dumps(done[1])} does not hold {json.dumps(expect['stats'])}")
        for name, wanted in expect.get("tasks", {}).items():
            task = must(200, "GET", self.path("Tasks", self.sids[name]))
            for key, value in wanted.items():
                value = self.with_sids(value)
                self.same(step, name, key, task["task_queue_sid" if key == "queue" else key], value)
        names = {sid: name for name, sid in self.sids.items()}
        for name, wanted in expect.get("reservations", {}).items():
            got = [[names[one["worker_sid"]], one["reservation_status"]] for one in self.reservations(name)]
            order = sorted if step.get("unordered") else list
            self.same(step, name, "reservations", order(got), order(wanted))
        for name, wanted in expect.get("workers", {}).items():
            self.check_worker(step, name, wanted)

    def check_events(self, step, expect):
        news = self.news()
        for event in expect.get("events", []):
            if not any(self.is_event(one, event) for one in news):
                raise Wrong(f"after {step['op']} at {step['at']}: {event} is not among {[one['event_type'] for one in news]}")
        for event in expect.get("no_events", []):
            if any(self.is_event(one, event) for one in news):
                raise Wrong(f"after {step['op']} at {step['at']}: {event} was not expected")

    def is_event(self, event, wanted):
        wanted = {"type": wanted} if isinstance(wanted, str) else wanted
        about = {key: self.sids[wanted[key]] for key in ("task", "worker") if key in wanted}
        data = event["event_data"]
        return event["event_type"] == wanted["type"] and all(data.get(key + "_sid") == sid for key, sid in about.items())

    def check_worker(self, step, name, wanted):
        worker = must(200, "GET", self.path("Workers", self.sids[name]))
        for key, field in (("activity", "activity_name"), ("available", "available")):
            if key in wanted:
                self.same(step, name, key, worker[field], wanted[key])
        for channel, values in wanted.get("channels", {}).items():
            got = must(200, "GET", self.path("Workers", self.sids[name], "Channels", channel))
            for key, value in values.items():
                self.same(step, name, f"{channel}.{key}", got[key], value)

    def same(self, step, name, key, got, wanted):
        if got != wanted:
            raise Wrong(f"after {step['op']} at {step['at']}: {name}.{key} is {got!r} instead of {wanted!r}")


def holds(got, wanted):
    """Whether an answer has what is wanted: objects may have more, arrays compare without order."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(key in got and holds(got[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(got, list) and all(any(holds(one, value) for one in got) for value in wanted)
    return got == wanted


def verdict(scenario, application):
    """None when it holds, else what is wrong."""
    world = None
    try:
        check_keys(scenario)
        world = World(scenario, application)
        for step in scenario["steps"]:
            world.step(step)
    except Wrong as wrong:
        return str(wrong)
    finally:
        # What is left of it would go on as the clock moves for the others.
        if world:
            request("DELETE", world.root)
    return None


def main():
    failed, application = 0, Canned()
    for file in sorted(glob.glob(os.path.join(VECTORS, "routing-*.json"))):
        with open(file, encoding="utf-8") as text:
            scenarios = json.load(text)
        for scenario in scenarios:
            name = scenario["id"]
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            wrong = verdict(scenario, application)
            failed += wrong is not None
            if wrong:
                print(f"FAIL {name} {wrong}")
            else:
                print(f"ok   {name} {scenario['title']}")
    application.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
