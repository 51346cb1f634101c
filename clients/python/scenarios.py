"""Runs the routing scenarios of testkit/vectors from outside: REST alone, on a server whose clock is manual.

* Reads nothing but replies: what a scenario expects of events and callbacks is checked inside the engine.
* A scenario that needs what is not built yet is listed with the missing rule; a listed one that passes fails.

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

BASE = os.environ["BASE"].rstrip("/")
CREDENTIALS = f"{os.environ['ACCOUNT_SID']}:{os.environ['AUTH_TOKEN']}"
VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../testkit/vectors")
LATER = {
    **{f"cb-0{n}": "assignment callbacks" for n in range(1, 8)},
    **{f"stat-0{n}": "statistics" for n in range(1, 10)},
}


class Wrong(Exception):
    """The server did something else than the scenario says."""


class Later(Exception):
    """The scenario uses something that is not built yet."""


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
        with urllib.request.urlopen(call, timeout=30) as reply:
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

    def __init__(self, scenario):
        setup = scenario["setup"]
        self.sids = {}
        self.now = 0
        self.make_workspace(scenario["id"], setup)
        self.make_workers(setup.get("workers", []))
        for queue in setup.get("queues", []):
            self.make("TaskQueues", queue["name"], self.queue_fields(queue))
        for workflow in setup.get("workflows", []):
            self.make_workflow(workflow)
        self.start = advance(0)

    def path(self, *parts):
        return "/".join([self.root, *parts])

    def make(self, kind, name, form):
        self.sids[name] = must(201, "POST", self.path(kind), {"FriendlyName": name, **form})["sid"]

    def make_workspace(self, name, setup):
        workspace = setup.get("workspace", {})
        if "event_callback" in workspace:
            raise Later("event callbacks")
        named = {"multi_task": "MultiTaskEnabled", "prioritize_queue_order": "PrioritizeQueueOrder"}
        form = {"FriendlyName": name, **fields(workspace, named)}
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
        if "callbacks" in workflow:
            raise Later("assignment callbacks")
        form = {"Configuration": json.dumps(self.with_sids(workflow["configuration"]))}
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
        if done is not None and "http" in step:
            status, reply, _ = done
            refused = step["http"] == 400 and 400 <= status < 500 and status not in (404, 410, 412, 429)
            if status != step["http"] and not refused:
                raise Wrong(f"{step['op']} at {step['at']} answered {status} instead of {step['http']}: {reply}")
        advance(0)
        self.check(step)

    def operate(self, step):
        kind, form = step["op"], self.form(step.get("params", {}))
        plural = {"task": "Tasks", "worker": "Workers", "queue": "TaskQueues", "workflow": "Workflows", "activity": "Activities"}
        verb, _, noun = kind.partition("_")
        if kind == "stats":
            raise Later("statistics")
        if kind == "check":
            return None
        if kind == "reject_until_settled":
            return self.reject_until_settled(step)
        if kind == "update_reservation":
            worker = self.sids[step["worker"]]
            newest = [one for one in self.reservations(step["task"]) if one["worker_sid"] == worker][-1]
            return request("POST", self.path("Tasks", self.sids[step["task"]], "Reservations", newest["sid"]), form)
        if kind == "update_worker_channel":
            return request("POST", self.path("Workers", self.sids[step["worker"]], "Channels", step["channel"]), form)
        if verb == "create":
            named = form if noun == "task" else {"FriendlyName": step["as"], **form}
            done = request("POST", self.path(plural[noun]), named)
            if done[0] == 201:
                self.sids[step["as"]] = done[1]["sid"]
            return done
        path = self.path(plural[noun], self.sids[step[noun]])
        method = {"update": "POST", "delete": "DELETE", "get": "GET"}[verb]
        if_match = {None: None, "@stale": '"99"'}.get(step.get("if_match")) or self.current(step, path)
        return request(method, path, form if verb == "update" else None, if_match=if_match)

    def current(self, step, path):
        return request("GET", path)[2] if step.get("if_match") == "@current" else None

    def reject_until_settled(self, step):
        for _ in range(step["max"]):
            pending = [one for one in self.reservations(step["task"]) if one["reservation_status"] == "pending"]
            if not pending:
                return
            path = self.path("Tasks", self.sids[step["task"]], "Reservations", pending[-1]["sid"])
            must(200, "POST", path, {"ReservationStatus": "rejected"})

    def check(self, step):
        expect = step.get("expect", {})
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


def verdict(scenario):
    """None when it holds, else what is wrong."""
    try:
        world = World(scenario)
        for step in scenario["steps"]:
            world.step(step)
    except Later as missing:
        return None if scenario["id"] in LATER else f"needs {missing}, which is not listed"
    except Wrong as wrong:
        return None if scenario["id"] in LATER else str(wrong)
    return "is listed as later work and passes" if scenario["id"] in LATER else None


def main():
    failed = 0
    for file in sorted(glob.glob(os.path.join(VECTORS, "routing-*.json"))):
        with open(file, encoding="utf-8") as text:
            scenarios = json.load(text)
        for scenario in scenarios:
            name = scenario["id"]
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            wrong = verdict(scenario)
            failed += wrong is not None
            if wrong:
                print(f"FAIL {name} {wrong}")
            elif name not in LATER:
                print(f"ok   {name} {scenario['title']}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
