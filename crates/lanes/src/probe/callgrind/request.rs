//! Words to the simulator that executes this program, if one does.
//!
//! A client request is a row of instructions that do nothing on a processor and that Valgrind knows
//! when it sees them (`valgrind.h`, `callgrind.h`). Outside Valgrind it costs about a nanosecond.

use std::ffi::CStr;

const RUNNING_ON_VALGRIND: usize = 0x1001;
/// `VG_USERREQ_TOOL_BASE('C', 'T')`, and the requests in their order.
const CALLGRIND: usize = (b'C' as usize) << 24 | (b'T' as usize) << 16;
const TOGGLE_COLLECT: usize = CALLGRIND + 2;
const DUMP_STATS_AT: usize = CALLGRIND + 3;
const START_INSTRUMENTATION: usize = CALLGRIND + 4;
const STOP_INSTRUMENTATION: usize = CALLGRIND + 5;

/// Does Valgrind execute this program?
pub fn simulated() -> bool {
    request(RUNNING_ON_VALGRIND, 0) > 0
}

/// Begins to simulate, with empty caches.
pub fn start() {
    request(START_INSTRUMENTATION, 0);
}

/// Ends simulating: from here on the program runs faster.
pub fn stop() {
    request(STOP_INSTRUMENTATION, 0);
}

/// Begins to count on this thread, or ends it. The caches are simulated either way.
pub fn toggle() {
    request(TOGGLE_COLLECT, 0);
}

/// Writes what was counted to a file under this name, and begins again from zero.
pub fn dump(name: &CStr) {
    request(DUMP_STATS_AT, name.as_ptr() as usize);
}

/// The answer to a request; 0 outside Valgrind.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn request(number: usize, argument: usize) -> usize {
    let words = [number, argument, 0, 0, 0, 0];
    let answer: usize;
    // SAFETY: on a processor the rotations add up to 128 bits and the exchange is of a register
    // with itself, so nothing changes but the flags, which the compiler takes as lost. Under
    // Valgrind the six words are read, and a pointer among them is to a text that ends with 0 and
    // outlives the call.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") words.as_ptr(),
            inout("rdx") 0usize => answer,
        );
    }
    answer
}

/// The answer to a request; 0 outside Valgrind.
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
fn request(number: usize, argument: usize) -> usize {
    let words = [number, argument, 0, 0, 0, 0];
    let answer: usize;
    // SAFETY: on a processor the rotations add up to 128 bits and a register is united with itself,
    // so nothing changes. Under Valgrind the six words are read, and a pointer among them is to a
    // text that ends with 0 and outlives the call.
    unsafe {
        std::arch::asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            inout("x3") 0usize => answer,
            in("x4") words.as_ptr(),
        );
    }
    answer
}

/// Valgrind does not run here.
#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux")))]
fn request(_: usize, _: usize) -> usize {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_processor_nothing_happens() {
        if simulated() {
            let test = "on_a_processor_nothing_happens";
            return amdahl_testing::skipped(test, "this is a simulator");
        }
        start();
        toggle();
        dump(c"nobody reads this");
        toggle();
        stop();
        assert!(!simulated());
    }
}
