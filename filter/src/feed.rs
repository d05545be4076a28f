//! When a VM asks the sidecar for a snapshot. Time is counted in ticks, which no clock step moves.

/// Ticks are this far apart, in milliseconds.
pub const TICK_MILLISECONDS: u64 = 100;
/// The first one comes after so many: until the first snapshot, every request is refused.
pub const FIRST_TICK_MILLISECONDS: u64 = 1;
/// Longest pause between two attempts, in ticks.
const MAX_BACKOFF: u64 = 50;
/// Snapshots that may follow one another without a pause.
const MAX_IN_A_ROW: u32 = 8;

/// How a poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With a snapshot that was adopted.
    Adopted,
    /// With nothing newer.
    NothingNewer,
    /// Not at all, or with something that can't be used.
    Failed,
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask again at once.
    AskNow,
    /// The call failed; a tick says when to ask again.
    BackOff {
        /// Whether it is the first failure in a row.
        is_first: bool,
    },
    /// A tick says when to ask again.
    Wait,
}

/// The long poll of one VM: at most one is under way.
#[derive(Debug)]
pub struct Feed {
    ticks: u64,
    next: u64,
    failures: u32,
    in_a_row: u32,
    call: Option<u32>,
    random: u64,
}

impl Feed {
    /// Asks on the first tick. `random` spreads the VMs' attempts.
    #[must_use]
    pub const fn new(random: u64) -> Self {
        Self { ticks: 0, next: 0, failures: 0, in_a_row: 0, call: None, random }
    }

    /// Counts a tick. Returns whether to ask now.
    pub fn tick(&mut self) -> bool {
        self.ticks = self.ticks.saturating_add(1);
        self.in_a_row = 0;
        self.is_due()
    }

    /// Whether no tick came but the first.
    #[must_use]
    pub const fn is_at_first_tick(&self) -> bool {
        self.ticks == 1
    }

    /// A call was made.
    pub fn called(&mut self, call: u32) {
        self.call = Some(call);
    }

    /// Whether this is the call that is under way.
    #[must_use]
    pub fn awaits(&self, call: u32) -> bool {
        self.call == Some(call)
    }

    /// A call could not be made. Returns whether it is the first failure in a row.
    pub fn could_not_call(&mut self) -> bool {
        self.back_off();
        self.failures == 1
    }

    /// A call ended. `None` when the call is none of this feed's.
    pub fn answered(&mut self, call: u32, answer: Answer) -> Option<Next> {
        if self.call != Some(call) {
            return None;
        }
        self.call = None;
        match answer {
            Answer::Adopted => {
                self.failures = 0;
                self.in_a_row = self.in_a_row.saturating_add(1);
                self.next = self.ticks;
            }
            // The sidecar holds the call while there is nothing newer, so this is rare; if it isn't, ticks slow it down.
            Answer::NothingNewer => {
                self.failures = 0;
                self.next = self.ticks.saturating_add(1);
            }
            Answer::Failed => {
                self.back_off();
                return Some(Next::BackOff { is_first: self.failures == 1 });
            }
        }
        Some(if self.is_due() && self.in_a_row < MAX_IN_A_ROW { Next::AskNow } else { Next::Wait })
    }

    const fn is_due(&self) -> bool {
        self.call.is_none() && self.ticks >= self.next
    }

    /// 2, 4, 8 ... ticks, up to twice that by chance.
    fn back_off(&mut self) {
        self.failures = self.failures.saturating_add(1);
        let pause = 1_u64.checked_shl(self.failures).unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF);
        // Steele and Vigna's LCG constant; the high bits are random enough to spread a few VMs.
        self.random = self.random.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
        let jitter = (self.random >> 32).checked_rem(pause).unwrap_or_default();
        self.next = self.ticks.saturating_add(pause).saturating_add(jitter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks until the feed asks, at most `limit`.
    fn ticks_until_due(feed: &mut Feed, limit: u64) -> Option<u64> {
        (1..=limit).find(|_| feed.tick())
    }

    #[test]
    fn one_poll_at_a_time() {
        let mut feed = Feed::new(1);
        assert!(feed.tick());
        feed.called(7);
        assert_eq!(ticks_until_due(&mut feed, 1_000), None);
        assert_eq!(feed.answered(8, Answer::Adopted), None);
        assert_eq!(feed.answered(7, Answer::Adopted), Some(Next::AskNow));
    }

    #[test]
    fn only_the_first_tick_is_the_first() {
        let mut feed = Feed::new(0);
        let seen: Vec<_> = (0..3).map(|_| (feed.tick(), feed.is_at_first_tick()).1).collect();
        assert_eq!(seen, [true, false, false]);
    }

    #[test]
    fn an_empty_answer_waits_for_the_next_tick() {
        let mut feed = Feed::new(1);
        feed.tick();
        feed.called(1);
        assert_eq!(feed.answered(1, Answer::NothingNewer), Some(Next::Wait));
        assert_eq!(ticks_until_due(&mut feed, 1), Some(1));
    }

    #[test]
    fn failures_back_off_and_a_success_ends_that() {
        let mut feed = Feed::new(99);
        let mut pauses = Vec::new();
        for call in 0..10 {
            feed.called(call);
            assert_eq!(feed.answered(call, Answer::Failed), Some(Next::BackOff { is_first: call == 0 }));
            pauses.push(ticks_until_due(&mut feed, 2 * MAX_BACKOFF).unwrap());
        }
        assert!(pauses[0] >= 2 && pauses[0] < 4, "{pauses:?}");
        assert!(pauses[5..].iter().all(|pause| (MAX_BACKOFF..2 * MAX_BACKOFF).contains(pause)), "{pauses:?}");
        feed.called(99);
        assert_eq!(feed.answered(99, Answer::Adopted), Some(Next::AskNow));
        assert!(feed.could_not_call());
        assert!(ticks_until_due(&mut feed, 4).is_some());
    }

    #[test]
    fn a_sidecar_that_floods_is_slowed_down_to_the_tick() {
        let mut feed = Feed::new(1);
        feed.tick();
        let polls = (0..100).take_while(|call| {
            feed.called(*call);
            feed.answered(*call, Answer::Adopted) == Some(Next::AskNow)
        });
        assert_eq!(polls.count(), MAX_IN_A_ROW as usize - 1);
        assert!(feed.tick());
    }
}
