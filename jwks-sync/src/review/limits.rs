//! How many questions may be open: of one user, of the users of one issuer, and in all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Questions of one user.
const QUESTIONS_EACH: u32 = 4;
/// Reviews of one user: any one question may be asked, but not several of the largest at a time.
const REVIEWS_EACH: u32 = 64;
/// Questions of the users of one issuer, where it is the issuer on whom it depends how long they take.
const QUESTIONS_EACH_ISSUER: u32 = 16;
/// Questions of all users.
const QUESTIONS: u32 = 64;
/// Reviews of all users, and so connections to the API server.
const REVIEWS: u32 = 256;

/// Counts what is open.
#[derive(Default)]
pub(super) struct Limits {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: Count,
    /// By user name, since each token of a user has another `uid` or extra.
    of: HashMap<String, Count>,
    /// By issuer.
    at: HashMap<String, u32>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    questions: u32,
    reviews: u32,
}

impl Count {
    const fn plus(self, reviews: u32) -> Self {
        Self { questions: self.questions.saturating_add(1), reviews: self.reviews.saturating_add(reviews) }
    }

    const fn minus(self, reviews: u32) -> Self {
        Self { questions: self.questions.saturating_sub(1), reviews: self.reviews.saturating_sub(reviews) }
    }

    const fn is_within(self, questions: u32, reviews: u32) -> bool {
        self.questions <= questions && self.reviews <= reviews
    }
}

/// The right to ask, until it is dropped.
pub(super) struct Permit {
    limits: Arc<Limits>,
    user: String,
    issuer: Option<String>,
    reviews: u32,
}

impl Limits {
    /// Lets `user` ask a question of so many reviews, unless too much is open.
    pub(super) fn admit(self: &Arc<Self>, user: &str, reviews: usize) -> Option<Permit> {
        self.admit_of(None, user, reviews)
    }

    /// The same for a question of one review, that waits for what `issuer` names.
    pub(super) fn admit_at(self: &Arc<Self>, issuer: &str, user: &str) -> Option<Permit> {
        self.admit_of(Some(issuer), user, 1)
    }

    fn admit_of(self: &Arc<Self>, issuer: Option<&str>, user: &str, reviews: usize) -> Option<Permit> {
        let reviews = u32::try_from(reviews).ok()?;
        let mut open = self.lock();
        let at_issuer = issuer.and_then(|issuer| open.at.get(issuer).copied()).unwrap_or_default();
        let all = open.all.plus(reviews);
        let own = open.of.get(user).copied().unwrap_or_default().plus(reviews);
        if !all.is_within(QUESTIONS, REVIEWS) || !own.is_within(QUESTIONS_EACH, REVIEWS_EACH) {
            return None;
        }
        if let Some(issuer) = issuer {
            if at_issuer >= QUESTIONS_EACH_ISSUER {
                return None;
            }
            open.at.insert(issuer.to_owned(), at_issuer.saturating_add(1));
        }
        open.all = all;
        open.of.insert(user.to_owned(), own);
        drop(open);
        let issuer = issuer.map(str::to_owned);
        Some(Permit { limits: Arc::clone(self), user: user.to_owned(), issuer, reviews })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing panics halfway through a change.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.lock();
        open.all = open.all.minus(self.reviews);
        let left = open.of.get(&self.user).map(|own| own.minus(self.reviews));
        match left.filter(|own| own.questions > 0) {
            Some(own) => open.of.insert(self.user.clone(), own),
            None => open.of.remove(&self.user),
        };
        if let Some(issuer) = &self.issuer
            && let Some(left) = open.at.get_mut(issuer)
        {
            *left = left.saturating_sub(1);
            if *left == 0 {
                open.at.remove(issuer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use authn::impersonation_request::MAX_VALUES;

    use super::*;

    #[test]
    fn one_user_leaves_room_for_the_others() {
        let limits = Arc::new(Limits::default());
        let mut held: Vec<Permit> = (0..QUESTIONS_EACH).filter_map(|_| limits.admit("eve", 1)).collect();
        assert_eq!(held.len(), 4);
        assert!(limits.admit("eve", 1).is_none());
        assert!(limits.admit("bob", MAX_VALUES).is_some(), "the largest question, alone");
        let large = limits.admit("bob", MAX_VALUES);
        assert!(limits.admit("bob", 1).is_none(), "and none beside it");
        drop(large);
        held.pop();
        assert!(limits.admit("eve", 1).is_some(), "and given back");
        held.clear();
        let open = limits.lock();
        assert!(open.of.is_empty() && open.all.questions == 0 && open.all.reviews == 0);
    }

    #[test]
    fn one_issuer_leaves_room_for_the_others() {
        let limits = Arc::new(Limits::default());
        let admit = |issuer: &str| -> Vec<Permit> {
            let user = |user: u32| limits.admit_at(issuer, &format!("{issuer}\n{user}"));
            (0..1_000).filter_map(user).collect()
        };
        let mut held: Vec<Vec<Permit>> = ["a", "b", "c", "d", "e"].map(admit).into();
        assert_eq!(held.iter().map(Vec::len).collect::<Vec<_>>(), [16, 16, 16, 16, 0]);
        held.remove(1);
        assert!(limits.admit_at("a", "a\nmore").is_none());
        held.push(admit("e"));
        assert_eq!(held.iter().map(Vec::len).collect::<Vec<_>>(), [16, 16, 16, 0, 16], "and given back");
        assert_eq!(admit("b").len(), 0);
        held.clear();
        let open = limits.lock();
        assert!(open.of.is_empty() && open.at.is_empty() && open.all.questions == 0);
    }

    #[test]
    fn all_users_together_are_bounded() {
        let limits = Arc::new(Limits::default());
        let admit = |each: usize| -> Vec<Permit> {
            (0..1_000).filter_map(|user| limits.admit(&user.to_string(), each)).collect()
        };
        assert_eq!(admit(1).len(), 64, "questions");
        assert_eq!(admit(64).len(), 4, "reviews");
    }
}
