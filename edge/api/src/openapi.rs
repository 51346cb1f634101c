//! The OpenAPI document of a product, folded from its routes: what is really served, no more.

use crate::{BodyKind, Param, ParamKind, Route, Shape, routes::Product};
use access::Permit;
use http::Method;
use serde_json::{Map, Value, json};
use wire::{Kind, Schema};

/// What every list takes.
const PAGING: [Param; 3] = [
    Param::optional("PageSize", ParamKind::Integer),
    Param::optional("Page", ParamKind::Integer),
    Param::optional("PageToken", ParamKind::Text),
];

/// The whole document.
pub(crate) fn document(product: &Product, url: &str) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for route in &product.routes {
        let path = paths.entry(&route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation(route);
        if let Shape::One(schema) | Shape::Made(schema) | Shape::List(_, schema) = route.answer {
            schemas.entry(schema.name).or_insert_with(|| component(schema));
        }
    }
    schemas.insert("problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Sinew: {}", product.name),
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{"url": format!("{url}/{}", product.name)}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
        "security": [{"basic": []}, {"token": []}],
    })
}

fn operation(route: &Route) -> Value {
    let in_body = matches!(route.method, Method::POST | Method::PUT);
    let mut parameters: Vec<Value> = route.names.iter().map(|name| path_parameter(name)).collect();
    if !in_body {
        parameters.extend(route.params.iter().map(query_parameter));
    }
    if matches!(route.answer, Shape::List(..)) {
        parameters.extend(PAGING.iter().map(query_parameter));
    }
    if route.is_conditional {
        let text = json!({"type": "string"});
        let header = json!({"name": "If-Match", "in": "header", "required": false, "schema": text});
        parameters.push(header);
    }
    let mut operation = json!({
        "operationId": route.operation,
        "parameters": parameters,
        "responses": responses(route),
    });
    if in_body && !route.params.is_empty() {
        operation["requestBody"] = request_body(route);
    }
    if route.permit == Permit::Public {
        operation["security"] = json!([]);
    }
    operation
}

fn path_parameter(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
}

fn query_parameter(param: &Param) -> Value {
    let (name, required) = (param.name, param.required);
    json!({"name": name, "in": "query", "required": required, "schema": schema_of(param)})
}

fn request_body(route: &Route) -> Value {
    let media = match route.body {
        BodyKind::Form => "application/x-www-form-urlencoded",
        BodyKind::Json => "application/json",
    };
    let fields = route.params.iter().map(|p| (p.name.to_owned(), schema_of(p)));
    let properties: Map<String, Value> = fields.collect();
    let required = route.params.iter().filter(|p| p.required).map(|p| p.name);
    let required: Vec<&str> = required.collect();
    let schema = json!({"type": "object", "properties": properties, "required": required});
    json!({"content": {media: {"schema": schema}}})
}

fn schema_of(param: &Param) -> Value {
    let one = match param.kind {
        ParamKind::Text | ParamKind::Json => json!({"type": "string"}),
        ParamKind::Integer => json!({"type": "integer"}),
        ParamKind::Boolean => json!({"type": "boolean"}),
        ParamKind::Sid(kind) => sid(kind),
        ParamKind::Date => json!({"type": "string", "format": "date-time"}),
        ParamKind::Url => json!({"type": "string", "format": "uri"}),
        ParamKind::Word(words) => json!({"type": "string", "enum": words}),
    };
    if param.repeated { json!({"type": "array", "items": one}) } else { one }
}

fn responses(route: &Route) -> Value {
    let of = |schema: &Schema| json!({"$ref": format!("#/components/schemas/{}", schema.name)});
    let body = |schema: Value| json!({"application/json": {"schema": schema}});
    let good = match route.answer {
        Shape::One(schema) => json!({"200": {"description": "OK", "content": body(of(schema))}}),
        Shape::Made(schema) => {
            json!({"201": {"description": "Created", "content": body(of(schema))}})
        }
        Shape::List(key, schema) => {
            let page = json!({
                "type": "object",
                "properties": {
                    key: {"type": "array", "items": of(schema)},
                    "meta": {"type": "object"},
                },
            });
            json!({"200": {"description": "OK", "content": body(page)}})
        }
        Shape::Nothing => json!({"204": {"description": "No content"}}),
        Shape::Json => {
            json!({"200": {"description": "OK", "content": body(json!({"type": "object"}))}})
        }
    };
    let mut good = good;
    let problem = body(json!({"$ref": "#/components/schemas/problem"}));
    good["default"] = json!({"description": "A problem", "content": problem});
    good
}

fn component(schema: &Schema) -> Value {
    let properties = schema.properties.iter().map(|p| (p.name.to_owned(), property(p.kind)));
    let properties: Map<String, Value> = properties.collect();
    json!({"type": "object", "properties": properties})
}

fn property(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": ["string", "null"]}),
        Kind::Sid(kind) => {
            let mut sid = sid(kind);
            sid["type"] = json!(["string", "null"]);
            sid
        }
        Kind::AnySid => {
            json!({"type": ["string", "null"], "pattern": "^[a-zA-Z]{2}[0-9a-fA-F]{32}$"})
        }
        Kind::Date => json!({"type": ["string", "null"], "format": "date-time"}),
        Kind::Url => json!({"type": ["string", "null"], "format": "uri"}),
        Kind::Urls => json!({"type": ["object", "null"], "format": "uri-map"}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Millis => json!({"type": "integer", "format": "int64"}),
        Kind::Array => json!({"type": ["array", "null"]}),
        Kind::Any => json!({}),
        Kind::Boolean => json!({"type": ["boolean", "null"]}),
        Kind::Word { words, .. } => json!({"type": "string", "enum": words}),
    }
}

fn sid(kind: &str) -> Value {
    json!({
        "type": "string",
        "minLength": 34,
        "maxLength": 34,
        "pattern": format!("^{kind}[0-9a-fA-F]{{32}}$"),
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["code", "message", "more_info", "status"],
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string"},
            "more_info": {"type": "string", "format": "uri"},
            "status": {"type": "integer"},
            "details": {"type": "object"},
        },
    })
}
