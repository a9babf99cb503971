//! Whether anybody would continue this program if it stopped.
//!
//! Owns: what is known of our place among sessions and process groups. Must not know: the terminal's
//! modes. Invariant: in doubt nobody would, because a program that stops for good is lost with all
//! that is in it, and one that does not stop is not.

use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid};

/// Who would continue us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// Somebody who puts jobs into this session: a shell.
    Shell,
    /// Nobody: our process group is an orphan.
    Nobody,
}

/// A process's group and session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place<Id> {
    group: Id,
    session: Id,
}

/// Who would continue us now.
pub(super) fn keeper() -> Keeper {
    let place =
        |pid: Option<Pid>| Some(Place { group: getpgid(pid).ok()?, session: getsid(pid).ok()? });
    // A parent in a session we may not look at is in another one.
    let parent = known(getppid()).and_then(|pid| place(Some(pid)));
    match getsid(None).ok().and_then(known) {
        Some(session) => keeper_of(Place { group: getpgrp(), session }, parent),
        None => Keeper::Nobody,
    }
}

/// A process as far as it has a number here. Linux answers 0 for one outside our process namespace:
/// the parent, or the session's leader, of what was started in a container from without.
fn known(pid: Pid) -> Option<Pid> {
    (pid.as_raw() > 0).then_some(pid)
}

/// POSIX calls a group an orphan when no member has a parent in another group of the same session;
/// the kernel itself stops none of those on Ctrl+Z. Only our own parent is looked at: a parent in our
/// own group was put there by somebody (a shell that runs `cargo run`, or a script), except in the
/// group that came with the session.
fn keeper_of<Id: PartialEq + Copy>(us: Place<Id>, parent: Option<Place<Id>>) -> Keeper {
    match parent {
        Some(parent) if parent.session == us.session && us.group != us.session => Keeper::Shell,
        Some(_) | None => Keeper::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(group: i32, session: i32) -> Place<i32> {
        Place { group, session }
    }

    #[test]
    fn a_job_of_a_shell_can_be_continued() {
        assert_eq!(keeper_of(place(20, 10), Some(place(10, 10))), Keeper::Shell);
    }

    #[test]
    fn a_program_started_by_another_of_the_same_job_can_be_continued() {
        assert_eq!(keeper_of(place(20, 10), Some(place(20, 10))), Keeper::Shell);
    }

    #[test]
    fn a_program_that_leads_its_session_cannot_as_in_a_window_opened_for_it() {
        assert_eq!(keeper_of(place(20, 20), Some(place(5, 5))), Keeper::Nobody);
    }

    #[test]
    fn a_program_in_the_group_of_its_session_cannot_since_its_parent_would_stop_too() {
        assert_eq!(keeper_of(place(10, 10), Some(place(10, 10))), Keeper::Nobody);
    }

    #[test]
    fn a_process_outside_our_namespace_is_not_known() {
        assert_eq!(known(Pid::from_raw(0)), None);
        assert_eq!(known(Pid::from_raw(7)), Some(Pid::from_raw(7)));
    }

    #[test]
    fn a_program_whose_parent_is_gone_or_elsewhere_cannot() {
        assert_eq!(keeper_of(place(20, 10), Some(place(1, 1))), Keeper::Nobody);
        assert_eq!(keeper_of(place(20, 10), None), Keeper::Nobody);
    }
}
