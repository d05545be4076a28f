//! Which requests may wait for an answer of the sidecar.
//!
//! A rotated key must work on its first request, and a user's `--as` be asked about, also while somebody else sends
//! made-up ones. So a made-up one costs its sender a wait and no more: the sidecar bounds what it asks of others, and
//! every wait ends within seconds. What is bounded here is how many wait, for each queue (an issuer, a user), for each
//! issuer and in all, so that a flood in one leaves room in the others.

use std::collections::HashMap;
use std::rc::Rc;

use authn::decision::Question;
use authn::time::UnixSeconds;

use crate::metric::Metric;

/// So many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// May wait.
    pub waiting: usize,
    /// May begin to wait within a second: clients that give up at once must not make more calls than that.
    pub per_second: usize,
}

impl Bound {
    const fn new(waiting: usize, per_second: usize) -> Self {
        Self { waiting, per_second }
    }
}

/// How many requests of one VM may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub all: Bound,
    /// In one queue.
    pub queue: Bound,
    /// In all queues of an issuer, where others than its own would wait for room.
    pub issuer: Option<Bound>,
}

/// For an issuer's keys, a queue an issuer.
pub const KEYS: Limits = Limits { all: Bound::new(128, 512), queue: Bound::new(32, 128), issuer: None };
/// For a claim that stands elsewhere, a queue a user. An issuer whose endpoint hangs takes a quarter, and one of its users
/// half of that.
pub const CLAIMS: Limits =
    Limits { all: Bound::new(256, 512), queue: Bound::new(32, 64), issuer: Some(Bound::new(64, 128)) };
/// For leave to act as somebody else, a queue a user. One kubectl sends dozens of requests at once.
pub const IMPERSONATION: Limits =
    Limits { all: Bound::new(512, 1_024), queue: Bound::new(64, 128), issuer: None };
/// For whose token it is, all in one queue: nothing about a stranger's token says whose it is.
pub const TOKENS: Limits = Limits { all: Bound::new(128, 256), queue: Bound::new(128, 256), issuer: None };

/// Where a request waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The issuer whose share it takes, if issuers have one.
    issuer: Option<Rc<str>>,
    /// The queue, among all of the room.
    queue: Rc<str>,
}

/// Who waits for one kind of answer.
#[derive(Debug)]
pub struct WaitingRoom {
    limits: Limits,
    all: Count,
    /// One in which nobody waits, or has begun to within this second, has no entry.
    queues: Counts,
    /// The same.
    issuers: Counts,
    second: UnixSeconds,
}

type Counts = HashMap<Rc<str>, Count>;

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    waiting: usize,
    this_second: usize,
}

impl Count {
    /// With one more, unless that is too many.
    fn plus_one(self, bound: Bound) -> Option<Self> {
        let has_room = self.waiting < bound.waiting && self.this_second < bound.per_second;
        has_room.then(|| Self {
            waiting: self.waiting.saturating_add(1),
            this_second: self.this_second.saturating_add(1),
        })
    }

    const fn leave(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }
}

impl WaitingRoom {
    /// An empty one.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            all: Count::default(),
            queues: HashMap::new(),
            issuers: HashMap::new(),
            second: UnixSeconds::default(),
        }
    }

    /// Lets a request wait, if there is room. Then [`leave`](Self::leave) must follow once.
    pub fn enter(&mut self, place: &Place, now: UnixSeconds) -> bool {
        if self.second != now {
            self.second = now;
            self.all.this_second = 0;
            for counts in [&mut self.queues, &mut self.issuers] {
                counts.retain(|_, count| {
                    count.this_second = 0;
                    count.waiting > 0
                });
            }
        }
        // Who is not let in counts nowhere.
        self.try_enter(place).is_some()
    }

    fn try_enter(&mut self, Place { issuer, queue }: &Place) -> Option<()> {
        let counted = |counts: &Counts, name| counts.get(name).copied().unwrap_or_default();
        let all = self.all.plus_one(self.limits.all)?;
        let in_queue = counted(&self.queues, queue).plus_one(self.limits.queue)?;
        if let (Some(issuer), Some(bound)) = (issuer, self.limits.issuer) {
            let of_issuer = counted(&self.issuers, issuer).plus_one(bound)?;
            self.issuers.insert(Rc::clone(issuer), of_issuer);
        }
        self.queues.insert(Rc::clone(queue), in_queue);
        self.all = all;
        Some(())
    }

    /// A request no longer waits, however that came about.
    pub fn leave(&mut self, Place { issuer, queue }: &Place) {
        self.all.leave();
        if let Some(count) = self.queues.get_mut(queue) {
            count.leave();
        }
        if let Some(count) = issuer.as_ref().and_then(|issuer| self.issuers.get_mut(issuer)) {
            count.leave();
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

    /// The place in it.
    #[must_use]
    pub fn place(question: &Question) -> Place {
        let queue = |name: &str| Place { issuer: None, queue: name.into() };
        match question {
            // Two issuers may call two people the same.
            Question::Claims(request) => Place {
                issuer: Some(request.issuer.as_str().into()),
                queue: [request.issuer.as_str(), "\n", &request.subject].concat().into(),
            },
            Question::Impersonation(request) => queue(request.requester.username()),
            Question::Keys(request) => queue(&request.issuer),
            Question::Token(_) => queue(""),
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

    fn queue(name: impl ToString) -> Place {
        Place { issuer: None, queue: name.to_string().into() }
    }

    fn claims(issuer: impl ToString, subject: impl ToString) -> Place {
        Kind::place(&Question::Claims(ResolveClaimsRequest {
            issuer: issuer.to_string(),
            subject: subject.to_string(),
            claim: "groups".to_owned(),
            endpoint: String::new(),
            access_token: String::new(),
        }))
    }

    #[test]
    fn so_many_may_wait_and_no_more() {
        let mut room = WaitingRoom::new(KEYS);
        for issuer in 0..KEYS.all.waiting / KEYS.queue.waiting {
            for _ in 0..KEYS.queue.waiting {
                assert!(room.enter(&queue(issuer), NOW));
            }
            // A flood at one issuer leaves room for the others.
            assert!(!room.enter(&queue(issuer), NOW));
        }
        assert!(!room.enter(&queue("another"), NOW));
        room.leave(&queue("0"));
        assert!(room.enter(&queue("another"), NOW));
    }

    #[test]
    fn an_issuer_whose_endpoint_hangs_takes_a_quarter() {
        let mut room = WaitingRoom::new(CLAIMS);
        for issuer in 0..4 {
            let mut waiting = 0;
            while room.enter(&claims(issuer, waiting / 8), NOW) {
                waiting += 1;
            }
            assert_eq!(waiting, CLAIMS.all.waiting / 4, "{issuer}");
            // Those who are turned away take nobody's room.
            for _ in 0..CLAIMS.all.per_second {
                assert!(!room.enter(&claims(issuer, "more"), NOW));
            }
        }
        assert!(!room.enter(&claims("another", 0), NOW));
        room.leave(&claims(1, 0));
        assert!(room.enter(&claims(1, "more"), NOW));
        room.leave(&claims(1, "more"));
        assert!(room.enter(&claims("another", 0), NOW));
        // Nor may those who give up at once take the calls of others.
        let mut room = WaitingRoom::new(CLAIMS);
        let mut begun = 0;
        while room.enter(&claims("eve", begun / 8), NOW) {
            room.leave(&claims("eve", begun / 8));
            begun += 1;
        }
        assert_eq!(begun, CLAIMS.all.per_second / 4);
        assert!(room.enter(&claims("bob", 0), NOW));
        assert!(room.enter(&claims("eve", 0), NOW.plus(1)));
        room.leave(&claims("eve", 0));
        room.leave(&claims("bob", 0));
        assert!(room.enter(&claims("a", 0), NOW.plus(2)));
        assert_eq!((room.queues.len(), room.issuers.len()), (1, 1));
    }

    #[test]
    fn people_of_two_issuers_wait_apart() {
        let place = |issuer, subject| claims(issuer, subject).queue;
        assert_eq!(place("https://a", "1"), place("https://a", "1"));
        assert_ne!(place("https://a", "1"), place("https://b", "1"));
        assert_ne!(place("https://a", "1"), place("https://a", "2"));
    }

    #[test]
    fn clients_that_give_up_at_once_get_no_more_calls_and_leave_room_for_others() {
        for limits in [CLAIMS, KEYS, IMPERSONATION] {
            let mut room = WaitingRoom::new(limits);
            for _ in 0..limits.queue.per_second {
                assert!(room.enter(&queue("eve"), NOW));
                room.leave(&queue("eve"));
            }
            assert!(!room.enter(&queue("eve"), NOW));
            assert!(room.enter(&queue("bob"), NOW));
            room.leave(&queue("bob"));
            let mut others = 0;
            while room.enter(&queue(others / 8), NOW) {
                room.leave(&queue(others / 8));
                others += 1;
            }
            assert_eq!(others, limits.all.per_second - limits.queue.per_second - 1);
            assert!(room.enter(&queue("eve"), NOW.plus(1)));
            room.leave(&queue("eve"));
            assert_eq!(room.queues.len(), 1);
            assert!(room.enter(&queue("a"), NOW.plus(2)));
            assert_eq!(room.queues.len(), 1);
        }
    }
}
