//! A request's body, read whole: bounded in size by the router's layer and in time here.

use crate::answer::Trouble;
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use std::time::Duration;
use tokio::time::timeout;

/// A body that takes longer than this to come is not waited for.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// The whole body.
#[derive(Debug)]
pub(crate) struct Whole(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<Self, Trouble> {
        within(BODY_LIMIT, request, state).await
    }
}

async fn within<S: Send + Sync>(
    most: Duration,
    request: Request,
    state: &S,
) -> Result<Whole, Trouble> {
    let read = timeout(most, Bytes::from_request(request, state)).await;
    let read = read.map_err(|_| Trouble::invalid("The body did not come in time"))?;
    read.map(Whole).map_err(|error| match error.status().as_u16() {
        413 => Trouble::too_large(),
        _ => Trouble::invalid(error.body_text()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use futures_util::{StreamExt as _, stream};
    use std::convert::Infallible;

    async fn read(body: Body) -> Result<Bytes, String> {
        let read = within(Duration::from_millis(20), Request::new(body), &()).await;
        read.map(|whole| whole.0).map_err(|trouble| trouble.0.message)
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_not_waited_for() {
        let begun = || stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
        assert_eq!(read(Body::from_stream(begun())).await.as_deref(), Ok(&b"{"[..]));
        let endless = Body::from_stream(begun().chain(stream::pending()));
        let late = "The body did not come in time".to_owned();
        assert_eq!(read(endless).await, Err(late));
    }
}
