//! Messages of streams: they pass through, and nothing of them can be read later.

use super::{command, required_data, service, target, unexpected};
use crate::{Answer, Cx, Param, ParamKind, Permit, Reply as Answered, Routes, Shape};
use ::sync::{Action, ObjectKind, Reply};
use wire::rest::StreamMessage;

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Services/{service}/Streams/{object}/Messages")
        .post("", "stream_message.create", Permit::Write, publish)
        .params(&[Param::required("Data", ParamKind::Json)])
        .answers(Shape::Made(&StreamMessage::SCHEMA))
}

async fn publish(cx: Cx) -> Answered {
    let service = service(&cx)?.sid;
    let (object, data) = (target(&cx, ObjectKind::Stream), required_data(&cx)?);
    let action = Action::Publish { object, data: data.clone() };
    match command(&cx, service, action).await? {
        Reply::Published(sid) => Ok(Answer::created(&StreamMessage::new(sid, &data))),
        reply => Err(unexpected(&reply)),
    }
}
