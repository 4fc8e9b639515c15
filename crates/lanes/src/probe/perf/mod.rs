//! Hardware and software counters of the kernel's perf_event, for the calling thread.
//!
//! Each event is tried alone first, so that each has its own reason when it cannot be had. Those
//! that open form the groups that [`events`] says; a group is read with one system call and its
//! members count at the same moments. An event that does not fit beside the others of its group
//! gets a group of its own, and the kernel lets groups take turns: the recorder scales such counts
//! and labels them.
//!
//! Hardware events count the program alone, not the kernel on its behalf.

use super::{Availability, Metric, Probe, Raw, Seat};
use amdahl_record::units::Unit;

pub mod events;
pub mod kernel;
pub mod refusal;

#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub use kernel::Nothing as Machine;
#[cfg(target_os = "linux")]
pub use linux::Linux as Machine;

use events::{Known, Processor, Where};
use kernel::{Event, Kernel};
use refusal::errno;

/// Opens time, faults, switches; cycles, instructions and branches.
pub fn open_core(seat: Seat) -> Box<dyn Probe> {
    open(seat, events::CORE)
}

/// Opens counts of the caches.
pub fn open_caches(seat: Seat) -> Box<dyn Probe> {
    open(seat, events::CACHES)
}

/// Opens counts of address translation.
pub fn open_tlb(seat: Seat) -> Box<dyn Probe> {
    open(seat, events::TLB)
}

/// Opens counts of stalled cycles.
pub fn open_stalls(seat: Seat) -> Box<dyn Probe> {
    open(seat, events::STALLS)
}

/// Opens counts of floating-point instructions.
pub fn open_vectors(seat: Seat) -> Box<dyn Probe> {
    open(seat, events::VECTORS)
}

fn open(seat: Seat, list: &[Known]) -> Box<dyn Probe> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let events = Processor::parse(&cpuinfo).complete(list);
    Box::new(match seat.whole_process {
        false => Perf::open(Machine, events),
        true => Perf::refused(Machine, events, &refusal::one_thread_of_many()),
    })
}

/// Counters that are read together.
struct Group<K: Kernel> {
    /// The number in the list of events; none for an event that did not fit in its group.
    wanted: Option<u8>,
    /// The others are closed before their leader.
    others: Vec<K::Member>,
    leader: K::Counter,
    /// `[counters, enabled, running, values…]` of the last read.
    buffer: Vec<u64>,
}

struct Perf<K: Kernel> {
    kernel: K,
    /// What the kernel allows.
    paranoid: Option<i32>,
    events: Vec<Known>,
    groups: Vec<Group<K>>,
    /// In the order of the events: the group and the place in it, or why not.
    places: Vec<Result<(usize, usize), Availability>>,
}

impl<K: Kernel> Perf<K> {
    /// None of these events, for this reason.
    fn refused(kernel: K, events: Vec<Known>, why: &Availability) -> Perf<K> {
        let places = events.iter().map(|_| Err(why.clone())).collect();
        Perf { kernel, paranoid: None, events, groups: Vec::new(), places }
    }

    fn open(kernel: K, events: Vec<Known>) -> Perf<K> {
        let paranoid = kernel.paranoid();
        let mut perf = Perf { kernel, paranoid, events, groups: Vec::new(), places: Vec::new() };
        for at in 0..perf.events.len() {
            let known = perf.events[at];
            let place = perf.add(&known);
            perf.places.push(place);
        }
        perf.enable();
        perf.doubt_what_stands_still();
        perf
    }

    fn add(&mut self, known: &Known) -> Result<(usize, usize), Availability> {
        let index = self.groups.iter().position(|group| group.wanted == Some(known.group));
        if let (true, None) = (known.companion, index) {
            // The reason of what it was to go with.
            let beside = self.events.iter().position(|other| other.group == known.group);
            return Err(match beside.and_then(|at| self.places.get(at)) {
                Some(Err(why)) => why.clone(),
                _ => refusal::nothing_beside(),
            });
        }
        let Some(event) = known.event else { return Err(refusal::unknown_here()) };
        let user_only = self.admitted(event, known.at)?;
        if let Some(index) = index {
            let group = &mut self.groups[index];
            if let Ok(member) = self.kernel.join(&group.leader, event, user_only) {
                group.others.push(member);
                group.buffer.push(0);
                return Ok((index, group.others.len()));
            }
            if known.companion {
                return Err(refusal::nothing_beside());
            }
        }
        let leader = self.kernel.open(event, user_only).map_err(|error| self.explain(error))?;
        let wanted = index.is_none().then_some(known.group);
        self.groups.push(Group { wanted, others: Vec::new(), leader, buffer: vec![0; 4] });
        Ok((self.groups.len() - 1, 0))
    }

    /// Tries the event alone. Says whether it must be opened for user space only.
    fn admitted(&mut self, event: Event, at: Where) -> Result<bool, Availability> {
        let mut alone = |user_only| self.kernel.open(event, user_only).map(drop);
        let tried = match at {
            Where::User => alone(true).map(|()| true),
            Where::Both | Where::Kernel => match alone(false) {
                Err(errno::EACCES) => alone(true).map(|()| true),
                other => other.map(|()| false),
            },
        };
        match tried {
            Ok(true) if at == Where::Kernel => Err(refusal::kernel_only(self.paranoid)),
            Ok(user_only) => Ok(user_only),
            Err(error) => Err(self.explain(error)),
        }
    }

    fn explain(&self, error: i32) -> Availability {
        refusal::explain(error, self.paranoid)
    }

    /// Lets all groups count.
    fn enable(&mut self) {
        for index in 0..self.groups.len() {
            if let Err(error) = self.kernel.enable(&mut self.groups[index].leader) {
                let why = self.explain(error);
                for place in &mut self.places {
                    if place.as_ref().is_ok_and(|(group, _)| *group == index) {
                        *place = Err(why.clone());
                    }
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
        for (known, place) in self.events.iter().zip(&mut self.places) {
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
        self.kernel.read(&group.leader, &mut group.buffer)
            && group.buffer[0] == 1 + group.others.len() as u64
    }
}

impl<K: Kernel> Probe for Perf<K> {
    fn available(&self) -> Vec<(Metric, Availability)> {
        let availability = |place: &Result<_, Availability>| {
            place.as_ref().err().cloned().unwrap_or(Availability::Yes)
        };
        let metric = |known: &Known, place: &Result<(usize, usize), Availability>| {
            let group =
                place.as_ref().map_or(0, |(group, _)| u8::try_from(group + 1).unwrap_or(u8::MAX));
            Metric::new(known.name, known.unit).in_group(group)
        };
        self.events
            .iter()
            .zip(&self.places)
            .map(|(known, place)| (metric(known, place), availability(place)))
            .collect()
    }

    fn snapshot(&mut self, into: &mut [Raw]) {
        for index in 0..self.groups.len() {
            if !self.read(index) {
                // A group of 0 counters is never read: this marks it as lost.
                self.groups[index].buffer[0] = 0;
            }
        }
        let available = self
            .events
            .iter()
            .zip(&self.places)
            .filter_map(|(known, place)| Some((known, (*place).as_ref().ok()?)));
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

#[cfg(test)]
mod tests;
