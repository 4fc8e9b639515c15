//! Events and errors, as hosts other than ours ask for them.

use std::time::Instant;

use super::*;
use crate::arguments::{Callback, ErrorForEachPayload, EventError, EventOnReady};

function!(error, EventError, |a| {
    // SAFETY: an event of ours.
    let event: &Event = unsafe { seen(a.event) };
    if event.at.is_none_or(|at| at > Instant::now()) {
        return failed(PRECONDITION, "the event has not happened yet");
    }
    event.end.clone()
});
function!(on_ready, EventOnReady, |a| {
    let Some(callback) = a.callback else { return failed(INVALID, "no function to call") };
    // SAFETY: an event of ours.
    let event: &Event = unsafe { seen(a.event) };
    let call = Waiting { callback, argument: a.argument, end: event.end.clone() };
    match event.at {
        // What never happens is never told.
        None => {}
        Some(at) if at <= Instant::now() => call.tell(),
        Some(at) => {
            std::thread::spawn(move || {
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                call.tell();
            });
        }
    }
    Ok(())
});
function!(payloads, ErrorForEachPayload, |_a| Ok(()));

/// Who is to be told of an event.
struct Waiting {
    callback: Callback,
    argument: *mut c_void,
    end: Result<(), Failed>,
}

// SAFETY: the interface says that the function is called on any thread, with the host's argument.
unsafe impl Send for Waiting {}

impl Waiting {
    fn tell(self) {
        let error = self.end.err().map_or(ptr::null_mut(), give);
        // SAFETY: the host's function, with its own argument; the error becomes its own.
        unsafe { (self.callback)(error, self.argument) }
    }
}

/// The functions of this file, by their places.
pub fn functions() -> Vec<(usize, abi::Call)> {
    vec![
        (EventError::FUNCTION, error),
        (EventOnReady::FUNCTION, on_ready),
        (ErrorForEachPayload::FUNCTION, payloads),
    ]
}
