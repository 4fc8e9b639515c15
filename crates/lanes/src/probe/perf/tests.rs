//! Counters on a kernel that a test plays: every refusal, every way in which a group can go wrong.

use std::cell::RefCell;
use std::rc::Rc;

use super::kernel::Event;
use super::refusal::errno;
use super::*;
use crate::probe::PROBES;

/// A kernel that refuses what it is told to and counts what is open.
#[derive(Default)]
struct Fake {
    /// Refusal of all events but those of software.
    hardware: Option<i32>,
    /// Refusal of every event.
    all: Option<i32>,
    /// Refuses to count inside the kernel.
    user_only: bool,
    /// Refuses this event beside others, or altogether.
    odd: Option<(Event, bool)>,
    /// Hardware events that fit in one group.
    slots: usize,
    /// Files that may be open; 0 for as many as one likes.
    files: usize,
    /// Refusal to count of a group that is open.
    disabled: Option<i32>,
    /// Value of every counter.
    value: u64,
    /// Nanoseconds that groups were wanted, and that they counted.
    times: [u64; 2],
    /// Reads fail.
    deaf: bool,
    /// Files, and the leaders that they joined.
    open: Vec<(i32, Option<i32>)>,
    next: i32,
    enabled: Vec<i32>,
}

#[derive(Clone)]
struct Shared(Rc<RefCell<Fake>>);

/// A counter that is open until it is dropped.
struct Open {
    kernel: Shared,
    file: i32,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.kernel.0.borrow_mut().open.retain(|(file, ..)| *file != self.file);
    }
}

impl Shared {
    fn opened(&self, event: Event, user_only: bool, leader: Option<i32>) -> Result<Open, i32> {
        let mut fake = self.0.borrow_mut();
        let refusal = fake.all.or(fake.hardware.filter(|_| event.class != 1));
        if let Some(error) = refusal {
            return Err(error);
        }
        if fake.user_only && !user_only {
            return Err(errno::EACCES);
        }
        if let Some((odd, alone)) = fake.odd
            && odd == event
            && (leader.is_some() || alone)
        {
            return Err(errno::EINVAL);
        }
        if fake.files > 0 && fake.open.len() >= fake.files {
            return Err(errno::EMFILE);
        }
        let beside = fake
            .open
            .iter()
            .filter(|(file, of)| leader == Some(*file) || leader.is_some() && *of == leader);
        if event.class != 1 && leader.is_some() && beside.count() >= fake.slots {
            return Err(errno::EINVAL);
        }
        fake.next += 1;
        let file = fake.next;
        fake.open.push((file, leader));
        Ok(Open { kernel: self.clone(), file })
    }
}

impl Kernel for Shared {
    type Counter = Open;
    type Member = Open;
    fn open(&mut self, event: Event, user_only: bool) -> Result<Open, i32> {
        self.opened(event, user_only, None)
    }
    fn join(&mut self, leader: &Open, event: Event, user_only: bool) -> Result<Open, i32> {
        assert!(
            !self.0.borrow().enabled.contains(&leader.file),
            "all members join before the first counts"
        );
        self.opened(event, user_only, Some(leader.file))
    }
    fn enable(&mut self, leader: &mut Open) -> Result<(), i32> {
        let mut fake = self.0.borrow_mut();
        fake.enabled.push(leader.file);
        fake.disabled.map_or(Ok(()), Err)
    }
    fn read(&mut self, leader: &Open, into: &mut [u64]) -> bool {
        let fake = self.0.borrow();
        let leader = leader.file;
        assert!(fake.enabled.contains(&leader), "a group is enabled before it is read");
        let counters =
            fake.open.iter().filter(|(file, of)| *file == leader || *of == Some(leader)).count();
        into.fill(fake.value);
        into[..3].copy_from_slice(&[counters as u64, fake.times[0], fake.times[1]]);
        !fake.deaf && into.len() == 3 + counters
    }
    fn paranoid(&self) -> Option<i32> {
        Some(2)
    }
}

const GOOD: Fake = Fake {
    hardware: None,
    all: None,
    user_only: false,
    odd: None,
    slots: 9,
    files: 0,
    disabled: None,
    value: 7,
    times: [2_000_000_000, 1_000_000_000],
    deaf: false,
    open: Vec::new(),
    next: 0,
    enabled: Vec::new(),
};

fn open_list(fake: Fake, list: &[Known]) -> (Perf<Shared>, Shared) {
    let shared = Shared(Rc::new(RefCell::new(fake)));
    (Perf::open(shared.clone(), list.to_vec()), shared)
}

fn fake(fake: Fake) -> (Perf<Shared>, Shared) {
    open_list(fake, events::CORE)
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

fn help(availability: Availability) -> String {
    match availability {
        Availability::Yes | Availability::Elsewhere => "available".into(),
        Availability::No { help, .. } => help,
    }
}

#[test]
fn all_events_in_two_groups_and_all_files_closed() {
    let (mut perf, kernel) = fake(GOOD);
    assert_eq!(perf.groups.len(), 2);
    let mut raw = [Raw::LOST; 8];
    perf.snapshot(&mut raw);
    assert_eq!(raw[0].value, 7e-9, "the task clock is in seconds");
    assert_eq!(raw[7], Raw { value: 7.0, enabled_s: 2.0, running_s: 1.0 });
    let groups: Vec<u8> = perf.available().iter().map(|(metric, _)| metric.group).collect();
    assert_eq!(groups, [1, 1, 1, 1, 2, 2, 2, 2]);
    drop(perf);
    assert!(kernel.0.borrow().open.is_empty());
}

#[test]
fn without_a_pmu_the_software_events_remain() {
    let (mut perf, _) = fake(Fake { hardware: Some(errno::ENOENT), ..GOOD });
    assert!(why(has(&perf, "cycles")).contains("ENOENT"));
    assert_eq!(has(&perf, "page-faults"), Availability::Yes);
    let mut raw = [Raw::LOST; 4];
    perf.snapshot(&mut raw);
    assert!(raw.iter().all(|r| r.value > 0.0));
}

#[test]
fn every_refusal_reaches_every_event_with_its_own_help() {
    let mut seen = Vec::new();
    for (error, name, word) in [
        (errno::ENOENT, "ENOENT", "virtual PMU"),
        (errno::EACCES, "EACCES", "sysctl"),
        (errno::EPERM, "EPERM", "seccomp"),
        (errno::EINVAL, "EINVAL", "kernel"),
        (errno::EMFILE, "EMFILE", "ulimit"),
        (errno::EBUSY, "EBUSY", "profiler"),
        (errno::ENOSYS, "ENOSYS", "sandbox"),
    ] {
        let (mut perf, kernel) = fake(Fake { all: Some(error), ..GOOD });
        assert!(perf.groups.is_empty() && kernel.0.borrow().open.is_empty());
        for (metric, availability) in perf.available() {
            let (why, help) = (why(availability.clone()), help(availability));
            assert!(why.contains(name) && help.contains(word), "{}: {why}; {help}", metric.name);
        }
        let said = help(has(&perf, "cycles"));
        assert!(!seen.contains(&said), "{name} has a help of its own");
        seen.push(said);
        perf.snapshot(&mut []);
    }
}

#[test]
fn a_system_without_perf_event_says_so_of_every_event() {
    let mut perf = Perf::open(kernel::Nothing, events::CORE.to_vec());
    for (metric, availability) in perf.available() {
        let said = format!("{}; {}", why(availability.clone()), help(availability));
        assert!(said.contains("ENOSYS") && said.contains("Linux"), "{}: {said}", metric.name);
    }
    perf.snapshot(&mut []);
}

#[test]
fn what_happens_in_the_kernel_is_not_read_as_zero() {
    let (perf, _) = fake(Fake { user_only: true, ..GOOD });
    assert!(why(has(&perf, "context-switches")).contains("perf_event_paranoid = 2"));
    assert_eq!(has(&perf, "task-clock"), Availability::Yes);
    assert_eq!(has(&perf, "instructions"), Availability::Yes);
}

#[test]
fn events_that_do_not_fit_take_turns_in_groups_of_their_own() {
    let (perf, _) = fake(Fake { slots: 2, ..GOOD });
    assert_eq!(perf.groups.len(), 4, "software, two hardware events, and two alone");
    assert_eq!(has(&perf, "branch-misses"), Availability::Yes);
}

#[test]
fn a_member_that_fails_leaves_the_others_their_places() {
    let instructions = Event { class: 0, config: 1 };
    let (mut perf, kernel) = fake(Fake { odd: Some((instructions, false)), ..GOOD });
    assert_eq!(perf.groups.len(), 3, "software, hardware, and instructions alone");
    let mut raw = [Raw::LOST; 8];
    perf.snapshot(&mut raw);
    assert!(
        raw.iter().all(|r| r.value > 0.0),
        "every group has as many members as it is read for: {raw:?}"
    );
    drop(perf);
    assert!(kernel.0.borrow().open.is_empty());
    let (mut perf, _) = fake(Fake { odd: Some((instructions, true)), ..GOOD });
    assert!(why(has(&perf, "instructions")).contains("EINVAL"));
    let mut raw = [Raw::LOST; 7];
    perf.snapshot(&mut raw);
    assert!(raw.iter().all(|r| r.value > 0.0), "{raw:?}");
}

#[test]
fn where_files_run_out_the_first_events_stay_and_the_others_say_so() {
    let (mut perf, kernel) = fake(Fake { files: 6, ..GOOD });
    assert_eq!(has(&perf, "instructions"), Availability::Yes);
    assert!(why(has(&perf, "branches")).contains("EMFILE"));
    let mut raw = [Raw::LOST; 6];
    perf.snapshot(&mut raw);
    assert!(raw.iter().all(|r| r.value > 0.0));
    drop(perf);
    assert!(kernel.0.borrow().open.is_empty());
}

#[test]
fn a_group_that_never_got_its_turn_is_not_counted_which_is_not_zero() {
    let (mut perf, _) = fake(Fake { times: [2_000_000_000, 0], value: 0, ..GOOD });
    assert_eq!(has(&perf, "cycles"), Availability::Yes, "it may get its turn later");
    let mut raw = [Raw::LOST; 8];
    perf.snapshot(&mut raw);
    assert_eq!(
        raw[4],
        Raw { value: 0.0, enabled_s: 2.0, running_s: 0.0 },
        "the recorder makes a null of it"
    );
}

#[test]
fn a_group_that_cannot_be_started_is_withdrawn() {
    let (perf, _) = fake(Fake { disabled: Some(errno::EBUSY), ..GOOD });
    assert!(
        perf.available().into_iter().all(|(_, availability)| why(availability).contains("EBUSY"))
    );
}

#[test]
fn a_counter_that_stands_still_is_withdrawn() {
    let (perf, _) = fake(Fake { value: 0, ..GOOD });
    assert!(why(has(&perf, "cycles")).contains("never counts"));
    assert_eq!(has(&perf, "page-faults"), Availability::Yes, "0 page faults are possible");
}

#[test]
fn a_failed_read_is_lost_not_zero() {
    let (mut perf, kernel) = fake(GOOD);
    kernel.0.borrow_mut().deaf = true;
    let mut raw = [Raw::counted(0.0); 8];
    perf.snapshot(&mut raw);
    assert!(raw.iter().all(|r| r.value.is_nan()));
}

#[test]
fn caches_have_instructions_of_their_own_in_each_group() {
    let amd = Processor { vendor: "AuthenticAMD".into(), family: 25, model: 17 };
    let (perf, _) = open_list(GOOD, &amd.complete(events::CACHES));
    let group = |name: &str| {
        perf.available().into_iter().find(|(m, _)| m.name == name).expect("known").0.group
    };
    for (misses, instructions) in [
        ("L1D-load-misses", "instructions.L1D"),
        ("L2-misses", "instructions.L2"),
        ("LLC-loads", "instructions.LLC"),
    ] {
        assert_eq!(group(misses), group(instructions));
    }
    assert_ne!(group("L1D-loads"), group("LLC-loads"));
    let (perf, _) = open_list(GOOD, events::CACHES);
    assert!(why(has(&perf, "L2-references")).contains("no code"), "an unknown processor");
    assert_eq!(has(&perf, "instructions.L2"), has(&perf, "L2-references"), "nothing to go with");
    let (perf, _) = open_list(Fake { hardware: Some(errno::ENOENT), ..GOOD }, events::CACHES);
    assert!(why(has(&perf, "instructions.L1D")).contains("ENOENT"));
}

#[test]
fn here_every_event_has_a_value_or_a_reason() {
    for source in PROBES.iter().filter(|source| source.name.starts_with("perf")) {
        let mut perf = (source.open)(Seat::ALONE);
        let yes = perf
            .available()
            .iter()
            .filter(|(_, availability)| *availability == Availability::Yes)
            .count();
        assert!(!perf.available().is_empty());
        let mut raw = vec![Raw::LOST; yes];
        perf.snapshot(&mut raw);
        assert!(raw.iter().all(|r| r.value >= 0.0), "what is available can be read: {raw:?}");
    }
}

#[test]
fn a_lane_whose_library_has_threads_of_its_own_is_not_counted_by_halves() {
    let probe = super::open_core(Seat { whole_process: true, ..Seat::ALONE });
    let all = probe.available();
    assert!(all.iter().any(|(metric, _)| metric.name == "cycles"));
    for (metric, availability) in all {
        let Availability::No { why, .. } = availability else { panic!("{metric:?}") };
        assert!(why.contains("the lane's thread alone"), "{why}");
    }
}
