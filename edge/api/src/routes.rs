//! Routes as data: method, path, operation id, permit, handler; what the document says about them.
//!
//! * A route without a permit cannot be written.
//! * The table is read by the layer, by the OpenAPI document and by the tests alike.

use crate::{Cx, Reply};
use access::Permit;
use http::Method;
use percent_encoding::percent_decode_str;
use std::{fmt, future::Future, pin::Pin, sync::Arc};

/// What a route calls.
pub(crate) type Handler =
    Arc<dyn Fn(Cx) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync>;

/// One line of the table.
pub struct Route {
    /// GET, POST, PUT or DELETE. HEAD and OPTIONS are answered for every path.
    pub method: Method,
    /// The whole path below the product, with `{parameters}`.
    pub path: String,
    /// `noun.verb`.
    pub operation: &'static str,
    /// What it asks of its caller.
    pub permit: Permit,
    /// Query, form or JSON parameters, for the document.
    pub params: Vec<Param>,
    /// What it answers, for the document.
    pub answer: Shape,
    /// How the body is written, for the document.
    pub body: BodyKind,
    /// Whether it heeds `If-Match`, for the document.
    pub is_conditional: bool,
    pub(crate) handler: Handler,
    /// The names of the path's parameters, in order.
    pub(crate) names: Vec<Box<str>>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}, {:?})", self.method, self.path, self.operation, self.permit)
    }
}

/// A parameter as the document shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: ParamKind,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Whether it may be given several times.
    pub repeated: bool,
}

impl Param {
    /// One that may be left out.
    pub const fn optional(name: &'static str, kind: ParamKind) -> Self {
        Self { name, kind, required: false, repeated: false }
    }

    /// One that must be there.
    pub const fn required(name: &'static str, kind: ParamKind) -> Self {
        Self { name, kind, required: true, repeated: false }
    }
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A SID with these two letters.
    Sid(&'static str),
    /// JSON as text in a form, or as a value in a JSON body.
    Json,
    /// ISO 8601.
    Date,
    /// A URL.
    Url,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// What a route answers, for the document.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// One resource.
    One(&'static wire::Schema),
    /// One resource, just made: 201.
    Made(&'static wire::Schema),
    /// A page of resources under this key.
    List(&'static str, &'static wire::Schema),
    /// 204.
    Nothing,
    /// JSON the document does not describe further.
    Json,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`.
    Json,
}

/// Routes below one path.
#[derive(Debug)]
pub struct Routes {
    at: &'static str,
    body: BodyKind,
    pub(crate) routes: Vec<Route>,
}

impl Routes {
    /// Routes below `at`, a path with `{parameters}` that begins with a slash.
    pub fn at(at: &'static str) -> Self {
        Self { at, body: BodyKind::Form, routes: Vec::new() }
    }

    /// The bodies of the routes that follow are JSON.
    #[must_use]
    pub fn json(mut self) -> Self {
        self.body = BodyKind::Json;
        self
    }

    /// Adds a GET route.
    #[must_use]
    pub fn get<F, Fut>(self, path: &str, operation: &'static str, permit: Permit, f: F) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        self.add(Method::GET, path, operation, permit, f)
    }

    /// Adds a POST route.
    #[must_use]
    pub fn post<F, Fut>(self, path: &str, operation: &'static str, permit: Permit, f: F) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        self.add(Method::POST, path, operation, permit, f)
    }

    /// Adds a PUT route.
    #[must_use]
    pub fn put<F, Fut>(self, path: &str, operation: &'static str, permit: Permit, f: F) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        self.add(Method::PUT, path, operation, permit, f)
    }

    /// Adds a DELETE route.
    #[must_use]
    pub fn delete<F, Fut>(self, path: &str, operation: &'static str, permit: Permit, f: F) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        self.add(Method::DELETE, path, operation, permit, f)
    }

    /// Says which parameters the newest route reads.
    #[must_use]
    pub fn params(mut self, params: &[Param]) -> Self {
        self.newest().params = params.to_vec();
        self
    }

    /// Says what the newest route answers.
    #[must_use]
    pub fn answers(mut self, shape: Shape) -> Self {
        self.newest().answer = shape;
        self
    }

    /// Says that the newest route heeds `If-Match`.
    #[must_use]
    pub fn conditional(mut self) -> Self {
        self.newest().is_conditional = true;
        self
    }

    fn newest(&mut self) -> &mut Route {
        self.routes.last_mut().expect("a route was added before it is described")
    }

    fn add<F, Fut>(
        mut self,
        method: Method,
        path: &str,
        operation: &'static str,
        permit: Permit,
        f: F,
    ) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |cx| Box::pin(f(cx)));
        let answer = if method == Method::DELETE { Shape::Nothing } else { Shape::Json };
        let (path, body) = (format!("{}{path}", self.at), self.body);
        let names = names_in(&path);
        let params = Vec::new();
        self.routes.push(Route {
            method,
            path,
            operation,
            permit,
            params,
            answer,
            body,
            is_conditional: false,
            handler,
            names,
        });
        self
    }
}

fn names_in(path: &str) -> Vec<Box<str>> {
    let opened = path.split('{').skip(1);
    opened.map(|rest| rest.split('}').next().unwrap_or_default().into()).collect()
}

/// The routes of one product, found by path.
pub(crate) struct Product {
    pub(crate) name: &'static str,
    pub(crate) routes: Vec<Route>,
    paths: matchit::Router<Vec<usize>>,
}

/// What a path leads to.
pub(crate) enum Found<'a> {
    /// A route, and where its path parameters lie in the path.
    Route { index: usize, route: &'a Route, params: PathParams },
    /// The path exists, the method does not.
    WrongMethod { allowed: Vec<&'a Method> },
    /// There is no such path.
    Nothing,
}

/// Where the values of a path's parameters lie in the path, in the order of [`Route::names`].
pub(crate) type PathParams = Vec<std::ops::Range<usize>>;

impl Product {
    /// Panics when two routes cannot be told apart: a mistake in the table, found by every test.
    pub(crate) fn new(name: &'static str, parts: Vec<Routes>) -> Self {
        let routes: Vec<Route> = parts.into_iter().flat_map(|part| part.routes).collect();
        let mut by_path: std::collections::BTreeMap<&str, Vec<usize>> = Default::default();
        for (index, route) in routes.iter().enumerate() {
            by_path.entry(&route.path).or_default().push(index);
        }
        let mut paths = matchit::Router::new();
        for (path, indexes) in by_path {
            let clash = |error| panic!("route {path} of {name} clashes with another: {error}");
            paths.insert(path, indexes).unwrap_or_else(clash);
        }
        Self { name, routes, paths }
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        // What is no text names nothing; taken for another text, it would name something else.
        if path.contains('%') && percent_decode_str(path).decode_utf8().is_err() {
            return Found::Nothing;
        }
        let Ok(matched) = self.paths.at(path) else { return Found::Nothing };
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        let indexes = matched.value.iter().copied();
        let Some(index) = indexes.clone().find(|i| self.routes[*i].method == *wanted) else {
            return Found::WrongMethod {
                allowed: indexes.map(|i| &self.routes[i].method).collect(),
            };
        };
        let start = path.as_ptr() as usize;
        let params = matched.params.iter().map(|(_, value)| {
            let at = value.as_ptr() as usize - start;
            at..at + value.len()
        });
        Found::Route { index, route: &self.routes[index], params: params.collect() }
    }
}
