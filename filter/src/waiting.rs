//! Which requests may wait for an answer of the sidecar.
//!
//! A rotated key must work on its first request, and a user's `--as` be asked about, also while somebody else sends
//! made-up ones. So a made-up one costs its sender a wait and no more: the sidecar bounds what it asks of others, and
//! every wait ends within seconds. What is bounded here is how many wait, for each queue (an issuer, a user) and in
//! all, so that a flood in one leaves room in the others.

use std::collections::HashMap;
use std::rc::Rc;

use authn::decision::Question;
use authn::time::UnixSeconds;

use crate::metric::Metric;

/// How many requests of one VM may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub all: usize,
    /// In one queue.
    pub queue: usize,
    /// That may begin to wait within a second: clients that give up at once must not make more calls than that.
    pub per_second: usize,
    /// The same of one queue.
    pub queue_per_second: usize,
}

/// For an issuer's keys, a queue an issuer.
pub const KEYS: Limits = Limits { all: 128, queue: 32, per_second: 512, queue_per_second: 128 };
/// For a claim that stands elsewhere, a queue a user.
pub const CLAIMS: Limits = Limits { all: 128, queue: 32, per_second: 256, queue_per_second: 64 };
/// For leave to act as somebody else, a queue a user. One kubectl sends dozens of requests at once.
pub const IMPERSONATION: Limits = Limits { all: 512, queue: 64, per_second: 1_024, queue_per_second: 128 };
/// For whose token it is, all in one queue: nothing about a stranger's token says whose it is.
pub const TOKENS: Limits = Limits { all: 128, queue: 128, per_second: 256, queue_per_second: 256 };

/// Who waits for one kind of answer.
#[derive(Debug)]
pub struct WaitingRoom {
    limits: Limits,
    waiting: usize,
    /// A queue in which nobody waits, or has begun to within this second, has no entry.
    queues: HashMap<Rc<str>, Queue>,
    second: UnixSeconds,
    this_second: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Queue {
    waiting: usize,
    this_second: usize,
}

impl WaitingRoom {
    /// An empty one.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, waiting: 0, queues: HashMap::new(), second: UnixSeconds::default(), this_second: 0 }
    }

    /// Lets a request wait, if there is room. Then [`leave`](Self::leave) must follow once.
    pub fn enter(&mut self, queue: &Rc<str>, now: UnixSeconds) -> bool {
        if self.second != now {
            self.second = now;
            self.this_second = 0;
            self.queues.retain(|_, queue| {
                queue.this_second = 0;
                queue.waiting > 0
            });
        }
        let mut one = self.queues.get(queue).copied().unwrap_or_default();
        let Limits { all, queue: in_one, per_second, queue_per_second } = self.limits;
        if self.waiting >= all
            || one.waiting >= in_one
            || self.this_second >= per_second
            || one.this_second >= queue_per_second
        {
            return false;
        }
        self.waiting = self.waiting.saturating_add(1);
        self.this_second = self.this_second.saturating_add(1);
        one.waiting = one.waiting.saturating_add(1);
        one.this_second = one.this_second.saturating_add(1);
        self.queues.insert(Rc::clone(queue), one);
        true
    }

    /// A request no longer waits, however that came about.
    pub fn leave(&mut self, queue: &str) {
        self.waiting = self.waiting.saturating_sub(1);
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.waiting = queue.waiting.saturating_sub(1);
        }
    }
}

/// A room for each kind of question.
#[derive(Debug)]
pub struct WaitingRooms {
    claims: WaitingRoom,
    keys: WaitingRoom,
    impersonation: WaitingRoom,
    tokens: WaitingRoom,
}

/// Which room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For a claim that stands elsewhere.
    Claims,
    /// For an issuer's keys.
    Keys,
    /// For leave to act as somebody else.
    Impersonation,
    /// For whose token it is.
    Token,
}

impl Kind {
    /// The room in which a question is waited for.
    #[must_use]
    pub const fn of(question: &Question) -> Self {
        match question {
            Question::Claims(_) => Self::Claims,
            Question::Impersonation(_) => Self::Impersonation,
            Question::Keys(_) => Self::Keys,
            Question::Token(_) => Self::Token,
        }
    }

    /// The queue in it.
    #[must_use]
    pub fn queue(question: &Question) -> Rc<str> {
        match question {
            // Two issuers may call two people the same.
            Question::Claims(request) => [request.issuer.as_str(), "\n", &request.subject].concat().into(),
            Question::Impersonation(request) => request.requester.username().into(),
            Question::Keys(request) => request.issuer.as_str().into(),
            Question::Token(_) => "".into(),
        }
    }

    /// Its counter.
    #[must_use]
    pub const fn counter(self) -> Metric {
        match self {
            Self::Claims => Metric::WaitsClaims,
            Self::Keys => Metric::WaitsKeys,
            Self::Impersonation => Metric::WaitsImpersonation,
            Self::Token => Metric::WaitsToken,
        }
    }
}

impl Default for WaitingRooms {
    fn default() -> Self {
        Self {
            claims: WaitingRoom::new(CLAIMS),
            keys: WaitingRoom::new(KEYS),
            impersonation: WaitingRoom::new(IMPERSONATION),
            tokens: WaitingRoom::new(TOKENS),
        }
    }
}

impl WaitingRooms {
    /// One of them.
    pub const fn room(&mut self, kind: Kind) -> &mut WaitingRoom {
        match kind {
            Kind::Claims => &mut self.claims,
            Kind::Keys => &mut self.keys,
            Kind::Impersonation => &mut self.impersonation,
            Kind::Token => &mut self.tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use authn::feed::ResolveClaimsRequest;

    use super::*;

    const NOW: UnixSeconds = UnixSeconds::new(1_000);

    fn queue(name: impl ToString) -> Rc<str> {
        name.to_string().into()
    }

    #[test]
    fn so_many_may_wait_and_no_more() {
        let mut room = WaitingRoom::new(KEYS);
        for issuer in 0..KEYS.all / KEYS.queue {
            for _ in 0..KEYS.queue {
                assert!(room.enter(&queue(issuer), NOW));
            }
            // A flood at one issuer leaves room for the others.
            assert!(!room.enter(&queue(issuer), NOW));
        }
        assert!(!room.enter(&queue("another"), NOW));
        room.leave("0");
        assert!(room.enter(&queue("another"), NOW));
    }

    #[test]
    fn people_of_two_issuers_wait_apart() {
        let queue = |issuer: &str, subject: &str| {
            Kind::queue(&Question::Claims(ResolveClaimsRequest {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
                claim: "groups".to_owned(),
                endpoint: String::new(),
                access_token: String::new(),
            }))
        };
        assert_eq!(queue("https://a", "1"), queue("https://a", "1"));
        assert_ne!(queue("https://a", "1"), queue("https://b", "1"));
        assert_ne!(queue("https://a", "1"), queue("https://a", "2"));
    }

    #[test]
    fn clients_that_give_up_at_once_get_no_more_calls_and_leave_room_for_others() {
        for limits in [CLAIMS, KEYS, IMPERSONATION] {
            let mut room = WaitingRoom::new(limits);
            for _ in 0..limits.queue_per_second {
                assert!(room.enter(&queue("eve"), NOW));
                room.leave("eve");
            }
            assert!(!room.enter(&queue("eve"), NOW));
            assert!(room.enter(&queue("bob"), NOW));
            room.leave("bob");
            let mut others = 0;
            while room.enter(&queue(others / 8), NOW) {
                room.leave(&(others / 8).to_string());
                others += 1;
            }
            assert_eq!(others, limits.per_second - limits.queue_per_second - 1);
            assert!(room.enter(&queue("eve"), NOW.plus(1)));
            room.leave("eve");
            assert_eq!(room.queues.len(), 1);
            assert!(room.enter(&queue("a"), NOW.plus(2)));
            assert_eq!(room.queues.len(), 1);
        }
    }
}
