//! Hardware and software counters of the kernel's perf_event, for the calling thread.
//!
//! Each event is tried alone first, so that each has its own reason when it cannot be had. Those that open form two groups, software and
//! hardware; a group is read with one system call and its members count at the same moments. An event that no longer fits beside the
//! others gets a group of its own, and the kernel lets groups take turns: the recorder scales such counts and labels them.
//!
//! Hardware events count the program alone, not the kernel on its behalf.

use super::{Availability, Metric, Probe, Raw, Seat};
use crate::units::Unit;

pub mod kernel;
pub mod refusal;

use kernel::{Event, Kernel};

/// How an event must be opened for its count to mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// In user space alone.
    User,
    /// In the kernel too where allowed, else in user space alone.
    Both,
    /// It happens in the kernel: without permission to look there it would read 0.
    Kernel,
}

struct Known {
    name: &'static str,
    unit: Unit,
    event: Event,
    at: Where,
    /// A running program makes it grow, so a count of 0 shows a counter that stands still.
    grows: bool,
}

const fn software(name: &'static str, unit: Unit, config: u64, at: Where, grows: bool) -> Known {
    Known { name, unit, event: Event { class: 1, config }, at, grows }
}

const fn hardware(name: &'static str, config: u64, grows: bool) -> Known {
    Known { name, unit: Unit::Count, event: Event { class: 0, config }, at: Where::User, grows }
}

/// The events, by their numbers in perf_event_open(2). Those of one class form a group as far as they fit.
const EVENTS: [Known; 9] = [
    software("task-clock", Unit::Seconds, 1, Where::Both, true),
    software("page-faults", Unit::Count, 2, Where::Both, false),
    software("context-switches", Unit::Count, 3, Where::Kernel, false),
    software("cpu-migrations", Unit::Count, 4, Where::Kernel, false),
    hardware("cycles", 0, true),
    hardware("instructions", 1, true),
    hardware("cache-references", 2, false),
    hardware("cache-misses", 3, false),
    hardware("branch-misses", 5, false),
];

/// Opens the counters for the calling thread.
pub fn open(_: Seat) -> Box<dyn Probe> {
    #[cfg(target_os = "linux")]
    return Box::new(Perf::open(kernel::Linux));
    #[cfg(not(target_os = "linux"))]
    Box::new(NotHere)
}

#[cfg(not(target_os = "linux"))]
struct NotHere;

#[cfg(not(target_os = "linux"))]
impl Probe for NotHere {
    fn available(&self) -> Vec<(Metric, Availability)> {
        let no = Availability::No { why: "perf_event is a part of Linux".into(), help: "run on Linux".into() };
        EVENTS.iter().map(|known| (Metric::new(known.name, known.unit), no.clone())).collect()
    }
    fn snapshot(&mut self, _into: &mut [Raw]) {}
}

/// Counters that are read together.
struct Group {
    class: u32,
    leader: i32,
    members: Vec<i32>,
    /// `[members, enabled, running, values…]` of the last read.
    buffer: Vec<u64>,
}

struct Perf<K: Kernel> {
    kernel: K,
    groups: Vec<Group>,
    /// In the order of [`EVENTS`]: the group and the place in it, or why not.
    places: Vec<Result<(usize, usize), Availability>>,
}

impl<K: Kernel> Perf<K> {
    fn open(kernel: K) -> Perf<K> {
        let mut perf = Perf { kernel, groups: Vec::new(), places: Vec::new() };
        for known in &EVENTS {
            let place = perf.add(known);
            perf.places.push(place);
        }
        perf.enable();
        perf.doubt_what_stands_still();
        perf
    }

    fn add(&mut self, known: &Known) -> Result<(usize, usize), Availability> {
        let user_only = self.admitted(known)?;
        if let Some(index) = self.groups.iter().position(|group| group.class == known.event.class) {
            let group = &mut self.groups[index];
            if let Ok(file) = self.kernel.open(known.event, user_only, Some(group.leader)) {
                group.members.push(file);
                group.buffer.push(0);
                return Ok((index, group.members.len() - 1));
            }
        }
        let paranoid = self.kernel.paranoid();
        let leader =
            self.kernel.open(known.event, user_only, None).map_err(|error| refusal::explain(error, paranoid))?;
        self.groups.push(Group { class: known.event.class, leader, members: vec![leader], buffer: vec![0; 4] });
        Ok((self.groups.len() - 1, 0))
    }

    /// Tries the event alone. Says whether it must be opened for user space only.
    fn admitted(&mut self, known: &Known) -> Result<bool, Availability> {
        let paranoid = self.kernel.paranoid();
        let mut try_alone =
            |user_only| self.kernel.open(known.event, user_only, None).map(|file| self.kernel.close(file));
        if known.at == Where::User {
            return try_alone(true).map(|()| true).map_err(|error| refusal::explain(error, paranoid));
        }
        match try_alone(false) {
            Ok(()) => Ok(false),
            Err(refusal::errno::EACCES) => match try_alone(true) {
                Ok(()) if known.at == Where::Kernel => Err(refusal::kernel_only(paranoid)),
                Ok(()) => Ok(true),
                Err(error) => Err(refusal::explain(error, paranoid)),
            },
            Err(error) => Err(refusal::explain(error, paranoid)),
        }
    }

    /// Lets all groups count.
    fn enable(&mut self) {
        for index in 0..self.groups.len() {
            if let Err(error) = self.kernel.enable(self.groups[index].leader) {
                let why = refusal::explain(error, self.kernel.paranoid());
                for place in
                    self.places.iter_mut().filter(|place| place.as_ref().is_ok_and(|(group, _)| *group == index))
                {
                    *place = Err(why.clone());
                }
            }
        }
    }

    /// Computes a little and withdraws the counters that must have moved and did not.
    fn doubt_what_stands_still(&mut self) {
        let mut sum = 0u64;
        for i in 0..20_000u64 {
            sum = std::hint::black_box(sum.wrapping_add(i));
        }
        let readable: Vec<bool> = (0..self.groups.len()).map(|index| self.read(index)).collect();
        for (known, place) in EVENTS.iter().zip(&mut self.places) {
            if let Ok((group, member)) = *place {
                let buffer = &self.groups[group].buffer;
                if known.grows && readable[group] && buffer[2] > 0 && buffer[3 + member] == 0 {
                    *place = Err(refusal::stands_still());
                }
            }
        }
    }

    /// Reads a group into its buffer.
    fn read(&mut self, index: usize) -> bool {
        let group = &mut self.groups[index];
        self.kernel.read(group.leader, &mut group.buffer) && group.buffer[0] == group.members.len() as u64
    }
}

impl<K: Kernel> Probe for Perf<K> {
    fn available(&self) -> Vec<(Metric, Availability)> {
        let availability = |place: &Result<_, Availability>| place.as_ref().err().cloned().unwrap_or(Availability::Yes);
        let metric = |known: &Known, place: &Result<(usize, usize), Availability>| {
            let group = place.as_ref().map_or(0, |(group, _)| u8::try_from(group + 1).unwrap_or(u8::MAX));
            Metric::new(known.name, known.unit).in_group(group)
        };
        EVENTS.iter().zip(&self.places).map(|(known, place)| (metric(known, place), availability(place))).collect()
    }

    fn snapshot(&mut self, into: &mut [Raw]) {
        for index in 0..self.groups.len() {
            if !self.read(index) {
                // A group of 0 members is never read: this marks it as lost.
                self.groups[index].buffer[0] = 0;
            }
        }
        let available =
            EVENTS.iter().zip(&self.places).filter_map(|(known, place)| Some((known, (*place).as_ref().ok()?)));
        for ((known, &(group, member)), raw) in available.zip(into) {
            let buffer = &self.groups[group].buffer;
            let nanoseconds = known.unit == Unit::Seconds;
            *raw = match buffer[0] {
                0 => Raw::LOST,
                _ => Raw {
                    value: buffer[3 + member] as f64 / if nanoseconds { 1e9 } else { 1.0 },
                    enabled_s: buffer[1] as f64 / 1e9,
                    running_s: buffer[2] as f64 / 1e9,
                },
            };
        }
    }
}

impl<K: Kernel> Drop for Perf<K> {
    fn drop(&mut self) {
        for group in &self.groups {
            // Members before their leader.
            for &file in group.members.iter().rev() {
                self.kernel.close(file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::refusal::errno;
    use super::*;

    /// A kernel that refuses what it is told to and counts what is open.
    #[derive(Default)]
    struct Fake {
        /// Refusal of hardware events.
        hardware: Option<i32>,
        /// Refuses to count inside the kernel.
        user_only: bool,
        /// Hardware events that fit in one group.
        slots: usize,
        /// Value of every counter.
        value: u64,
        /// Reads fail.
        deaf: bool,
        open: Vec<(i32, u32, Option<i32>)>,
        next: i32,
        enabled: Vec<i32>,
    }

    #[derive(Clone)]
    struct Shared(Rc<RefCell<Fake>>);

    impl Kernel for Shared {
        fn open(&mut self, event: Event, user_only: bool, leader: Option<i32>) -> Result<i32, i32> {
            let mut fake = self.0.borrow_mut();
            if let (0, Some(error)) = (event.class, fake.hardware) {
                return Err(error);
            }
            if fake.user_only && !user_only {
                return Err(errno::EACCES);
            }
            let beside =
                fake.open.iter().filter(|(file, _, of)| leader == Some(*file) || leader.is_some() && *of == leader);
            if event.class == 0 && leader.is_some() && beside.count() >= fake.slots {
                return Err(errno::EINVAL);
            }
            fake.next += 1;
            let file = fake.next;
            fake.open.push((file, event.class, leader));
            Ok(file)
        }
        fn enable(&mut self, leader: i32) -> Result<(), i32> {
            let mut fake = self.0.borrow_mut();
            fake.enabled.push(leader);
            fake.next = 1000; // what is opened from here on can be told apart
            Ok(())
        }
        fn read(&mut self, leader: i32, into: &mut [u64]) -> bool {
            let fake = self.0.borrow();
            assert!(fake.enabled.contains(&leader), "a group is enabled before it is read");
            let members = fake.open.iter().filter(|(file, _, of)| *file == leader || *of == Some(leader)).count();
            into.fill(fake.value);
            into[..3].copy_from_slice(&[members as u64, 2_000_000_000, 1_000_000_000]);
            !fake.deaf && into.len() == 3 + members
        }
        fn close(&mut self, file: i32) {
            let mut fake = self.0.borrow_mut();
            let before = fake.open.len();
            fake.open.retain(|(open, ..)| *open != file);
            assert_eq!(fake.open.len() + 1, before, "file {file} was open");
        }
        fn paranoid(&self) -> Option<i32> {
            Some(2)
        }
    }

    fn fake(fake: Fake) -> (Perf<Shared>, Shared) {
        let shared = Shared(Rc::new(RefCell::new(fake)));
        (Perf::open(shared.clone()), shared)
    }

    fn has(perf: &impl Probe, name: &str) -> Availability {
        perf.available().into_iter().find(|(metric, _)| metric.name == name).expect("a known event").1
    }

    fn why(availability: Availability) -> String {
        match availability {
            Availability::Yes | Availability::Elsewhere => "available".into(),
            Availability::No { why, .. } => why,
        }
    }

    #[test]
    fn all_events_in_two_groups_and_all_files_closed() {
        let (mut perf, kernel) = fake(Fake { slots: 9, value: 7, ..Fake::default() });
        assert_eq!(perf.groups.len(), 2);
        assert!(
            perf.groups.iter().flat_map(|g| &g.members).all(|file| *file < 1000),
            "all members join before the first counts"
        );
        let mut raw = [Raw::LOST; 9];
        perf.snapshot(&mut raw);
        assert_eq!(raw[0].value, 7e-9, "the task clock is in seconds");
        assert_eq!(raw[8], Raw { value: 7.0, enabled_s: 2.0, running_s: 1.0 });
        drop(perf);
        assert!(kernel.0.borrow().open.is_empty());
    }

    #[test]
    fn without_a_pmu_the_software_events_remain() {
        let (mut perf, _) = fake(Fake { hardware: Some(errno::ENOENT), value: 5, ..Fake::default() });
        assert!(why(has(&perf, "cycles")).contains("ENOENT"));
        assert_eq!(has(&perf, "page-faults"), Availability::Yes);
        let mut raw = [Raw::LOST; 4];
        perf.snapshot(&mut raw);
        assert!(raw.iter().all(|r| r.value > 0.0));
    }

    #[test]
    fn what_happens_in_the_kernel_is_not_read_as_zero() {
        let (perf, _) = fake(Fake { user_only: true, slots: 9, value: 5, ..Fake::default() });
        assert!(why(has(&perf, "context-switches")).contains("perf_event_paranoid = 2"));
        assert_eq!(has(&perf, "task-clock"), Availability::Yes);
        assert_eq!(has(&perf, "instructions"), Availability::Yes);
    }

    #[test]
    fn events_that_do_not_fit_take_turns_in_groups_of_their_own() {
        let (perf, _) = fake(Fake { slots: 3, value: 5, ..Fake::default() });
        assert_eq!(perf.groups.len(), 4, "software, three hardware events, and two alone");
        assert_eq!(has(&perf, "branch-misses"), Availability::Yes);
    }

    #[test]
    fn a_counter_that_stands_still_is_withdrawn() {
        let (perf, _) = fake(Fake { slots: 9, value: 0, ..Fake::default() });
        assert!(why(has(&perf, "cycles")).contains("never counts"));
        assert_eq!(has(&perf, "page-faults"), Availability::Yes, "0 page faults are possible");
    }

    #[test]
    fn a_failed_read_is_lost_not_zero() {
        let (mut perf, kernel) = fake(Fake { slots: 9, value: 7, ..Fake::default() });
        kernel.0.borrow_mut().deaf = true;
        let mut raw = [Raw::counted(0.0); 9];
        perf.snapshot(&mut raw);
        assert!(raw.iter().all(|r| r.value.is_nan()));
    }

    #[test]
    fn here_every_event_has_a_value_or_a_reason() {
        let mut perf = open(Seat::ALONE);
        let yes: Vec<bool> = perf.available().iter().map(|(_, a)| *a == Availability::Yes).collect();
        assert_eq!(yes.len(), EVENTS.len());
        let mut raw = vec![Raw::LOST; yes.iter().filter(|yes| **yes).count()];
        perf.snapshot(&mut raw);
        assert!(raw.iter().all(|r| r.value >= 0.0), "what is available can be read: {raw:?}");
    }
}
