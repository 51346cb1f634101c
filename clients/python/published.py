"""The published document: which operation a request is, and whether a reply is what it says.

* Knows nothing of the server; reads the documents beside the repository, where they are there.
* A reply must have every property of its schema and no other, each of its type, form and words.
"""

import json
import os
import re
from urllib.parse import parse_qsl, urlsplit

SPECS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/specs")
FORMATS = {
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
    "uri": r"https?://",
}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
ERROR = {"code": int, "message": str, "more_info": str, "status": int}


class Published:
    """The document, or nothing where it is not there."""

    def __init__(self, product="taskrouter"):
        path = os.path.join(SPECS, f"{product}_v1.json")
        self.operations = []
        self.document = None
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as text:
            self.document = json.load(text)
        for template, item in self.document["paths"].items():
            pattern = re.compile("^" + re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)) + "$")
            fixed = sum("{" not in part for part in template.split("/"))
            for method in ("get", "post", "delete"):
                if method in item:
                    self.operations.append((-fixed, method.upper(), pattern, item[method]))
        self.operations.sort(key=lambda one: one[0])

    def operation(self, method, path):
        """(operation, path parameters) or None."""
        for _, known, pattern, operation in self.operations:
            found = pattern.match(path) if known == method else None
            if found:
                return operation, found.groupdict()
        return None

    def with_another(self, method, path, name, value):
        """The same path with another value of one of its parameters."""
        for _, known, pattern, _ in self.operations:
            found = pattern.match(path) if known == method else None
            if found:
                start, end = found.span(name)
                return path[:start] + value + path[end:]
        return path

    def parameters(self, operation):
        """The names of all parameters of an operation."""
        names = [one["name"] for one in operation.get("parameters", [])]
        for body in operation.get("requestBody", {}).get("content", {}).values():
            names += self.resolve(body["schema"]).get("properties", {})
        return names + (["body"] if self.takes_json(operation) else [])

    @staticmethod
    def takes_json(operation):
        return "application/json" in operation.get("requestBody", {}).get("content", {})

    def sent(self, operation, found, url, form, headers):
        """The published parameters that a request carries."""
        carried = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)} | set(form) | set(found)
        carried |= {name for name in headers if name == "If-Match"}
        carried |= {"body"} if form and self.takes_json(operation) else set()
        return carried & set(self.parameters(operation))

    def faults(self, operation, status, reply):
        """What is wrong with a reply: a list of texts."""
        if status >= 400:
            reply = reply if isinstance(reply, dict) else {}
            return [f"error body: {key}" for key, kind in ERROR.items() if type(reply.get(key)) is not kind]
        answer = operation["responses"].get(str(status))
        if answer is None:
            return [f"status {status} is not published"]
        if "content" not in answer:
            return [] if reply is None else ["a body that is not published"]
        schema = answer["content"]["application/json"]["schema"]
        return list(self.check(reply, schema, ""))

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def check(self, value, schema, at):
        schema = self.resolve(schema)
        if value is None:
            if not schema.get("nullable"):
                yield f"{at} is null"
            return
        kind = schema.get("type")
        is_kind = kind is None or isinstance(value, TYPES[kind]) and not (kind in ("integer", "number") and isinstance(value, bool))
        if not is_kind:
            yield f"{at} is {value!r}, no {kind}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{at} is {value!r}, not among {schema['enum']}"
        for key in ("pattern", "format"):
            form = schema.get(key) if key == "pattern" else FORMATS.get(schema.get(key))
            if form and isinstance(value, str) and not re.match(form, value):
                yield f"{at} is {value!r}, no {schema[key]}"
        if isinstance(value, list):
            for index, one in enumerate(value):
                yield from self.check(one, schema.get("items", {}), f"{at}[{index}]")
        if isinstance(value, dict) and "properties" in schema:
            for key in set(schema["properties"]) ^ set(value):
                yield f"{at}.{key} is {'missing' if key in schema['properties'] else 'not published'}"
            for key in set(schema["properties"]) & set(value):
                yield from self.check(value[key], schema["properties"][key], f"{at}.{key}")
