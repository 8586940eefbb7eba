"""GitHub's OpenAPI description as a judge of requests and answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

FILE = Path(__file__).parent / "github_api" / "openapi.json"


class Refused(Exception):
    """It is not what the description says. The text says where."""


class OpenApi:
    """An OpenAPI 3.0 document, whose schemas are those of JSON Schema's draft 4 but for ``nullable``."""

    def __init__(self, file: Path = FILE) -> None:
        self._document = _nullable(json.loads(file.read_text()))
        self._registry: Registry[Any] = Registry().with_resource("urn:api", DRAFT4.create_resource(self._document))
        self._paths = [
            (re.compile(re.sub(r"\\\{[a-z_]+\\\}", "([^/]+)", re.escape(path))), re.findall(r"\{([a-z_]+)\}", path), path)
            for path in self._document["paths"]
        ]

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        """The path of the document that a request is for, and the values in it.

        Raises:
            Refused: there is none.
        """
        for form, names, known in self._paths:
            if (match := form.fullmatch(path)) and method.lower() in self._document["paths"][known]:
                return known, dict(zip(names, match.groups(), strict=True))
        raise Refused(f"{method} {path} is not in the description")

    def request(self, method: str, path: str, query: Mapping[str, str], body: Any) -> None:
        """Judge a request.

        Raises:
            Refused: it is not what the description says; or has what the description does not know.
        """
        known, values = self.find(method, path)
        operation = self._document["paths"][known][method.lower()]
        parameters = [self._resolved(one) for one in operation.get("parameters", ())]
        given = {("path", name): value for name, value in values.items()} | {("query", name): v for name, v in query.items()}
        for one in parameters:
            value = given.pop((one["in"], one["name"]), None)
            if value is None and one.get("required"):
                raise Refused(f"{one['name']} is missing")
            if value is not None:
                self._judge(one["schema"], _typed(value, one["schema"]), one["name"])
        if unknown := [name for place, name in given if place == "query"]:
            raise Refused(f"{unknown[0]} is no parameter of {known}")
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if (schema is None) != (body is None):
            raise Refused("there is a body where none is asked for, or none where one is")
        if schema is not None:
            self._judge(schema, body, "body")
            if unknown := [name for name in body if name not in schema["properties"]]:
                raise Refused(f"{unknown[0]} is no property of the body")

    def answer(self, method: str, path: str, status: int, body: Any) -> None:
        """Judge an answer.

        Raises:
            Refused: there is no such answer.
        """
        known, _ = self.find(method, path)
        responses = self._document["paths"][known][method.lower()]["responses"]
        if str(status) not in responses:
            if status >= 400:
                return  # any operation may be refused
            raise Refused(f"{method} {known} does not answer {status}")
        content = self._resolved(responses[str(status)]).get("content", {}).get("application/json")
        if content is not None and status < 400:
            self._judge(content["schema"], body, "answer")

    def example(self, name: str) -> Any:
        """A copy of one of its examples."""
        return deepcopy(self._document["components"]["examples"][name]["value"])

    def _judge(self, schema: Any, value: Any, what: str) -> None:
        validator = Draft4Validator(_absolute(schema), registry=self._registry)
        for error in validator.iter_errors(value):
            raise Refused(f"{what}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}")

    def _resolved(self, part: Any) -> Any:
        if "$ref" not in part:
            return part
        _, _, kind, name = part["$ref"].split("/")
        return self._document["components"][kind][name]


def _absolute(value: Any) -> Any:
    """The schema with references that say which document they are for."""
    if isinstance(value, dict):
        return {
            key: f"urn:api{part}" if key == "$ref" and isinstance(part, str) and part.startswith("#") else _absolute(part)
            for key, part in value.items()
        }
    return [_absolute(part) for part in value] if isinstance(value, list) else value


def _nullable(value: Any) -> Any:
    """The document with ``nullable`` in the words of JSON Schema."""
    if isinstance(value, list):
        return [_nullable(part) for part in value]
    if not isinstance(value, dict):
        return value
    found = {key: _nullable(part) for key, part in value.items()}
    if found.get("nullable") is True:
        del found["nullable"]
        return {"anyOf": [found, {"type": "null"}]}
    return found


def _typed(value: str, schema: Mapping[str, Any]) -> Any:
    """A value of a path or query as its schema has it."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    if "oneOf" in schema and value.isdigit():
        return int(value)
    return value
