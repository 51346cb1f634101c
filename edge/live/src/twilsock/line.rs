//! What one connection has yet to answer, and the word that it is to end.
//!
//! * Answers leave in the order they were put in and are never dropped: a client that does not take
//!   them is not read.
//! * What a connection is told by itself waits elsewhere, in its mailbox at the host.

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering::AcqRel},
    task::{Context, Poll},
};

/// With this many bytes of answers waiting, no further request is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Room for more answers than this is given back once none waits.
const KEPT_FRAMES: usize = 16;

/// Answers that wait to be sent.
#[derive(Default)]
pub(crate) struct Answers {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

impl Answers {
    /// Puts one in.
    pub(crate) fn put(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// Takes the oldest one out.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        if self.frames.is_empty() && self.frames.capacity() > KEPT_FRAMES {
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// Bytes that wait.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether another request may be read.
    pub(crate) const fn have_room(&self) -> bool {
        self.bytes < ANSWER_BYTES_MAX
    }
}

/// Whether a connection is to send its client away; told from outside.
#[derive(Default)]
pub(crate) struct Recall {
    is_told: AtomicBool,
    waiting: AtomicWaker,
}

impl Recall {
    /// Says so.
    pub(crate) fn tell(&self) {
        self.is_told.store(true, std::sync::atomic::Ordering::Release);
        self.waiting.wake();
    }

    /// Waits until that is said; once.
    pub(crate) fn poll_told(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        match self.is_told.swap(false, AcqRel) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn answers_leave_in_order_and_hold_requests_back() {
        let mut answers = Answers::default();
        answers.put(Bytes::from_static(b"a"));
        answers.put(vec![b'b'; ANSWER_BYTES_MAX].into());
        assert!(!answers.have_room());
        assert_eq!(answers.take().as_deref(), Some(&b"a"[..]));
        assert_eq!(answers.take().map(|frame| frame.len()), Some(ANSWER_BYTES_MAX));
        assert!(answers.have_room() && answers.take().is_none());
    }

    #[test]
    fn a_recall_is_told_once() {
        let recall = Recall::default();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(recall.poll_told(&mut cx).is_pending());
        recall.tell();
        assert!(recall.poll_told(&mut cx).is_ready());
        assert!(recall.poll_told(&mut cx).is_pending());
    }
}
