//! Whose connection a request came over.

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::request::Parts,
};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// The caller's address. The listener puts it (or axum's `ConnectInfo`) into the request's
/// extensions; requests without one share the unspecified address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let given = parts.extensions.get::<Self>().copied();
        let connected = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip());
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Ok(given.unwrap_or_else(|| Self(connected().unwrap_or(unknown))))
    }
}
