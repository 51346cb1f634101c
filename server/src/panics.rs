//! What a panic prints: where it was, never what was in hand there.
//!
//! * A message that is fixed in the program is printed. One that was put together may quote what a
//!   customer wrote (a text cut in the middle of a character prints that text), so it is left out:
//!   the place says which message it was.
//! * It goes where the log goes, and looks like it. With `RUST_BACKTRACE=1` the way there follows,
//!   which names functions and lines and no values.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{Location, PanicHookInfo},
};

/// In place of a message that was put together.
const LEFT_OUT: &str = "a panic; its message may quote what is stored and is left out";

/// From now on panics of this process are lines of the log.
pub fn keep_messages_inside() {
    std::panic::set_hook(Box::new(|info| {
        let told = Told::of(info);
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or_default();
        tracing::error!(at = told.at, thread, "{}", told.message);
        let way = Backtrace::capture();
        if way.status() == BacktraceStatus::Captured {
            tracing::error!("the way to the panic:\n{way}");
        }
    }));
}

/// What is told of a panic.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    at: String,
    message: &'static str,
}

impl Told {
    fn of(info: &PanicHookInfo<'_>) -> Self {
        let at = info.location().map(Location::to_string).unwrap_or_default();
        let message = info.payload().downcast_ref::<&'static str>();
        Self { at, message: message.copied().unwrap_or(LEFT_OUT) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        panic::catch_unwind,
        sync::{Arc, Mutex},
    };

    const PLANTED: &str = "é planted-in-a-panic";

    #[test]
    fn a_panic_tells_its_place_and_no_value() {
        let heard: Arc<Mutex<Vec<Told>>> = Arc::default();
        let hears = heard.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| hears.lock().unwrap().push(Told::of(info))));
        let panics: [fn(); 5] = [
            || _ = std::hint::black_box(PLANTED).split_at(1),
            || panic!("there is {}", std::hint::black_box(PLANTED)),
            || std::hint::black_box(Err::<(), _>(PLANTED.to_owned())).expect("it is none"),
            || assert_eq!(std::hint::black_box(PLANTED), "another"),
            || panic!("a promise was broken"),
        ];
        for panics in panics {
            assert!(catch_unwind(panics).is_err());
        }
        std::panic::set_hook(before);
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 5);
        for told in &*heard {
            assert!(told.at.contains(".rs:"), "{}", told.at);
            assert!(!told.message.contains("planted"), "{}", told.message);
        }
        assert_eq!(heard[3].message, LEFT_OUT);
        assert_eq!(heard[4].message, "a promise was broken");
    }
}
