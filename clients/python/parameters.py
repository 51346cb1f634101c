"""Runs clients/cases/*.json through the official Python library: each published parameter, and what it does.

* Every reply on the way is compared with the published document, refusals too.
* A case that says it shows a parameter must have sent it. A case without an expectation is an error.
* The first call of an operation is preceded by one for each of its path parameters with a SID of nobody's in its
  place: that must be 404, and the true call must still succeed.

Run: BASE=http://host:port ACCOUNT_SID=… AUTH_TOKEN=… python parameters.py [part of a case's name …]
"""

import datetime
import glob
import json
import os
import re
import sys
import urllib.request
from base64 import b64encode
from urllib.parse import urlsplit

from published import Published
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

BASE = os.environ["BASE"].rstrip("/")
ACCOUNT, TOKEN = os.environ["ACCOUNT_SID"], os.environ["AUTH_TOKEN"]
CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cases/*.json")
STEP = "do with as get list count pages refused advance why".split()
PAGING = {"Page": "page_number", "From": "from_"}


class Wrong(Exception):
    """Something is not as the case says."""


class Body(dict):
    """A JSON body, as the library wants it."""

    to_dict = dict.copy


class Recorder(TwilioHttpClient):
    """Sends requests on, and looks at each with the published document in hand."""

    def __init__(self, published):
        super().__init__()
        self.published = published
        self.if_match, self.called = None, set()
        self.requests, self.shown, self.faults, self.tried, self.last = 0, set(), [], set(), None

    def request(self, method, url, params=None, data=None, headers=None, auth=None, **more):
        url = re.sub(r"^https://taskrouter\.twilio\.com", BASE + "/taskrouter", url)
        send = super().request
        if method.upper() == "DELETE" and self.if_match:
            headers = {**(headers or {}), "If-Match": self.if_match}
        path = urlsplit(url).path.removeprefix("/taskrouter")
        found = self.published.operation(method.upper(), path)
        if found and found[1]:
            self.called.add(found[0]["operationId"])
        if found and found[1] and found[0]["operationId"] not in self.tried:
            self.try_strangers(found, lambda other: send(method, other, params, data, headers, auth, **more), url)
        response = send(method, url, params, data, headers, auth, **more)
        self.requests += 1
        self.last = response.status_code, json.loads(response.text) if response.text else None
        if found:
            self.look(found, url, {**(params or {}), **(data if isinstance(data, dict) else {})}, headers, response)
        return response

    def look(self, found, url, form, headers, response):
        operation, in_path = found
        name = operation["operationId"]
        reply = json.loads(response.text) if response.text else None
        for fault in self.published.faults(operation, response.status_code, reply):
            self.faults.append(f"{name} answered {response.status_code}: {fault}")
        sent = {key for key, value in form.items() if value is not None}
        self.shown |= {(name, one) for one in self.published.sent(operation, in_path, url, sent, headers or {})}

    def try_strangers(self, found, send, url):
        operation, in_path = found
        self.tried.add(operation["operationId"])
        for name, value in in_path.items():
            nobody = value[:2] + "f" * 32
            response = send(url.replace(value, nobody))
            if response.status_code != 404 or json.loads(response.text)["code"] != 20404:
                self.faults.append(f"{operation['operationId']} with {name} of nobody's: {response.status_code}")


def clock(advance_ms=0):
    """The server's time after moving it."""
    call = urllib.request.Request(BASE + "/sinew/v1/Clock", data=json.dumps({"advance_ms": advance_ms}).encode(), method="POST")
    call.add_header("Authorization", "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode())
    call.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(call, timeout=60) as reply:
        return datetime.datetime.fromisoformat(json.load(reply)["now"].replace("Z", "+00:00"))


def snake(name):
    return PAGING.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()


def plain(value):
    """A value of the library as JSON has it."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime.datetime) else value


def holds(got, wanted):
    """Objects may have more than is wanted."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return all(key in got and holds(got[key], value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(got, list):
        return len(got) == len(wanted) and all(map(holds, got, wanted))
    return got == wanted and isinstance(got, bool) == isinstance(wanted, bool)


class Case:
    """One case in a workspace of its own."""

    def __init__(self, client, recorder):
        self.root, self.recorder = client.taskrouter.v1, recorder
        workspace = self.root.workspaces.create(friendly_name="Case")
        self.space = self.root.workspaces(workspace.sid)
        self.sids = {"space": workspace.sid, **{one.friendly_name: one.sid for one in self.space.activities.list()}}

    def value(self, value):
        """With SIDs in place of `@names` and times in place of `now-60`; `@@` is an @."""
        if isinstance(value, dict):
            return {key: self.value(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        if not isinstance(value, str):
            return value
        moment = re.fullmatch(r"now([+-]\d+)?", value)
        if moment:
            return (clock() + datetime.timedelta(seconds=int(moment[1] or 0))).strftime("%Y-%m-%dT%H:%M:%SZ")
        return re.sub(r"@(\w+)", lambda found: self.sids.get(found[1], found[0]), value)

    def call(self, step):
        at = self.root if step["do"].startswith("workspaces") else self.space
        *path, verb = re.findall(r"(\w+)(?:\((@?\w*)\))?(\(\))?\.?", step["do"])
        for name, argument, _ in path:
            at = getattr(at, snake(name))
            if argument:
                at = at(self.value(argument))
            elif f"{name}()" in step["do"]:
                at = at()
        fields = {snake(key): self.field(key, value) for key, value in step.get("with", {}).items()}
        if verb[0] == "remove":
            # This library takes an If-Match for a removal and loses it on the way.
            self.recorder.if_match = step.get("with", {}).get("If-Match")
            return at.delete(**fields)
        return getattr(at, verb[0])(**fields)

    def field(self, name, value):
        value = self.value(value)
        if name == "body":
            return Body(value)
        return json.dumps(value) if isinstance(value, dict) else value

    def step(self, step):
        unknown = set(step) - set(STEP)
        if unknown:
            raise Wrong(f"nothing reads {unknown}")
        if "advance" in step:
            clock(step["advance"] * 1000)
            return
        before = self.recorder.requests
        try:
            got = self.call(step)
        except TwilioException:
            got = False
        # A refused removal is no exception to this library, and one of a list tells no code of its own.
        if got is False or "refused" in step:
            status, reply = self.recorder.last
            if [status, (reply or {}).get("code")] != step.get("refused"):
                raise Wrong(f"{step['do']} answered {status} {reply}")
            return
        if "pages" in step and self.recorder.requests - before != step["pages"]:
            raise Wrong(f"{step['do']} took {self.recorder.requests - before} pages")
        self.check(step, got)

    def check(self, step, got):
        got = list(got) if step["do"].endswith(".page") else got
        if "as" in step:
            self.sids[step["as"]] = (got[0] if isinstance(got, list) else got).sid
        if "list" in step:
            names = {sid: name for name, sid in self.sids.items()}
            found = [names.get(one.sid, one.sid) for one in got]
            if found != step["list"]:
                raise Wrong(f"{step['do']} found {found}")
        if "count" in step and len(got) != step["count"]:
            raise Wrong(f"{step['do']} {step.get('with', {})} found {len(got)}")
        one = got[0] if isinstance(got, list) and got else got
        for key, wanted in step.get("get", {}).items():
            found, wanted = plain(getattr(one, key)), self.value(wanted)
            if isinstance(wanted, dict) and isinstance(found, str):
                found = json.loads(found)
            if not holds(found, wanted):
                raise Wrong(f"{step['do']}: {key} is {found!r}")


def run(case, worlds, client, recorder):
    """None when it holds, else what is wrong."""
    recorder.shown, recorder.faults = set(), []
    try:
        world = Case(client, recorder)
        steps = worlds[case["in"]] if "in" in case else []
        for step in steps + case["steps"]:
            world.step(step)
        world.space.delete()
    except Wrong as wrong:
        return str(wrong)
    if recorder.faults:
        return "; ".join(sorted(set(recorder.faults))[:5])
    if not any(key in step for step in case["steps"] for key in ("get", "list", "count", "refused")):
        return "expects nothing"
    claimed = {(operation, name) for operation, names in case["shows"].items() for name in names}
    missing = claimed - recorder.shown if recorder.published.document else set()
    return f"never sent {sorted(missing)}" if missing else None


def main():
    published, failed = Published(), 0
    recorder = Recorder(published)
    client = Client(ACCOUNT, TOKEN, http_client=recorder)
    for file in sorted(glob.glob(CASES)):
        with open(file, encoding="utf-8") as text:
            book = json.load(text)
        for case in book["cases"]:
            if sys.argv[1:] and not any(part in case["name"] for part in sys.argv[1:]):
                continue
            wrong = run(case, book["worlds"], client, recorder)
            failed += wrong is not None
            print(f"FAIL {case['name']}: {wrong}" if wrong else f"ok   {case['name']}", flush=True)
    if not sys.argv[1:] and published.document:
        untried = recorder.called - recorder.tried
        failed += bool(untried)
        name = "every path parameter names what is meant"
        print(f"FAIL {name}: {sorted(untried)}" if untried else f"ok   {name}")
    if not published.document:
        print("note: ../shared is not here, so no reply was compared with the published document")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
