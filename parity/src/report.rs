//! `report.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::explained::Explained;
use crate::verdict::{Comparison, Verdict};
use crate::{entry, files, twists};

/// A case and its two answers.
pub(crate) struct Judged {
    /// Number of the configuration, its entry.
    pub(crate) configuration: Value,
    /// Rules and fields that the token is about.
    pub(crate) rules: Vec<&'static str>,
    /// Fields of the configuration.
    pub(crate) fields: Vec<&'static str>,
    /// The token's header and payload, as far as they are text.
    pub(crate) token: [String; 2],
    pub(crate) kube_apiserver: Verdict,
    pub(crate) gateway: Verdict,
    pub(crate) comparison: Comparison,
    pub(crate) explained: Explained,
}

/// How often kube-apiserver accepted and rejected tokens that are about something.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Coverage {
    accepted: usize,
    rejected: usize,
}

/// What came of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) kube_apiserver: String,
    pub(crate) seed: String,
    pub(crate) configurations: usize,
    pub(crate) cases: usize,
    pub(crate) both_accept: usize,
    pub(crate) both_reject: usize,
    pub(crate) identity_mismatches: usize,
    pub(crate) false_accepts: usize,
    pub(crate) stricter_documented: usize,
    pub(crate) stricter_undocumented: usize,
    /// Cases on which one side did not say anything: something was in the way.
    pub(crate) without_verdict: usize,
    pub(crate) config_cases: usize,
    pub(crate) config_mismatches: usize,
    /// Files that both sides take.
    pub(crate) config_both_accept: usize,
    /// Files with expressions that only the gateway refuses, by the documented list.
    pub(crate) config_stricter_documented: usize,
    /// Files that are no YAML, which both refuse in words of their own (`file-syntax`).
    pub(crate) config_other_words: usize,
    /// Tokens of which `jwks-sync explain` tells the gateway's user or reason, and just what kube-apiserver says of a refused
    /// one.
    pub(crate) explained: usize,
    /// Tokens of which it tells the gateway's reason, and not, or not for certain, what kube-apiserver does.
    pub(crate) explained_in_part: usize,
    /// Tokens of which it tells something else.
    pub(crate) explain_mismatches: usize,
    /// By id of `docs/deviations.md`.
    pub(crate) stricter_by_deviation: BTreeMap<&'static str, usize>,
    /// By what the tokens are about.
    pub(crate) coverage: BTreeMap<&'static str, Coverage>,
    /// By what was done to the files.
    pub(crate) config_coverage: BTreeMap<String, Coverage>,
    /// What is about something too seldom.
    pub(crate) lacking: Vec<String>,
    /// Each case in which the two are not of one mind, and no deviation says so.
    pub(crate) disagreements: Vec<Value>,
}

impl Coverage {
    pub(crate) fn count(&mut self, is_accepted: bool) {
        if is_accepted { self.accepted += 1 } else { self.rejected += 1 }
    }
}

impl Report {
    /// Adds a case.
    pub(crate) fn add(&mut self, judged: &Judged) {
        self.cases += 1;
        let counter = match judged.comparison {
            Comparison::BothAccept => &mut self.both_accept,
            Comparison::BothReject => &mut self.both_reject,
            Comparison::IdentityMismatch => &mut self.identity_mismatches,
            Comparison::FalseAccept => &mut self.false_accepts,
            Comparison::StricterDocumented(id) => {
                *self.stricter_by_deviation.entry(id).or_default() += 1;
                &mut self.stricter_documented
            }
            Comparison::StricterUndocumented => &mut self.stricter_undocumented,
            Comparison::NoVerdict => &mut self.without_verdict,
        };
        *counter += 1;
        let is_accepted = matches!(judged.kube_apiserver, Verdict::Accepts(_));
        // A token that is accepted has passed every field; one that is rejected says something of what it is about alone.
        let fields = judged.fields.iter().filter(|_| is_accepted);
        let about: BTreeSet<_> = judged.rules.iter().chain(fields).collect();
        for about in about {
            self.coverage.entry(about).or_default().count(is_accepted);
        }
        let told = match &judged.explained {
            Explained::Truly => Some(&mut self.explained),
            Explained::Openly => Some(&mut self.explained_in_part),
            Explained::Wrongly(_) => Some(&mut self.explain_mismatches),
            Explained::Not => None,
        };
        if let Some(told) = told {
            *told += 1;
        }
        let is_wrong = matches!(judged.explained, Explained::Wrongly(_));
        if !judged.comparison.is_well() || is_wrong {
            self.disagreements.push(json!({
                "comparison": judged.comparison, "about": judged.rules, "configuration": judged.configuration,
                "header": judged.token[0], "payload": judged.token[1], "kube_apiserver": judged.kube_apiserver,
                "gateway": judged.gateway, "explained": judged.explained,
            }));
        }
    }

    /// Notes what there are too few cases of, either way.
    pub(crate) fn look_for_gaps(&mut self, at_least: usize) {
        // What has no case at all is the widest gap.
        for about in twists::all().map(|twist| twist.rule).chain(entry::fields()) {
            self.coverage.entry(about).or_default();
        }
        for about in files::all() {
            let Coverage { accepted, rejected } = *self.config_coverage.entry(about.to_owned()).or_default();
            if accepted + rejected < at_least {
                self.lacking.push(format!("{about}: {} files", accepted + rejected));
            }
        }
        let gaps = self.coverage.iter().filter(|(_, count)| count.accepted.min(count.rejected) < at_least);
        self.lacking.extend(gaps.map(|(about, Coverage { accepted, rejected })| {
            format!("{about}: {accepted} accepted, {rejected} rejected")
        }));
        // A small set says nothing of that.
        if at_least > 0 && self.both_accept * 10 < self.cases * 4 {
            self.lacking.push(format!("{} of {} cases are accepted by both", self.both_accept, self.cases));
        }
        // Else it could be right by telling nothing.
        if at_least > 0 && self.explained * 10 < self.cases * 7 {
            self.lacking.push(format!("{} of {} cases are explained to the end", self.explained, self.cases));
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.false_accepts == 0
            && self.identity_mismatches == 0
            && self.stricter_undocumented == 0
            && self.without_verdict == 0
            && self.explain_mismatches == 0
            && self.config_mismatches == 0
            && self.lacking.is_empty()
    }

    /// The figures in a line.
    pub(crate) fn summary(&self) -> String {
        format!(
            "kube-apiserver {}, seed {}: {} cases of {} configurations, {} accepted by both, {} rejected by both, {} \
             identity mismatches, {} false accepts, {} stricter by the list, {} stricter beyond it, {} without a verdict, {} told otherwise by explain; {} files, {} accepted \
             by both, {} mismatches",
            self.kube_apiserver,
            self.seed,
            self.cases,
            self.configurations,
            self.both_accept,
            self.both_reject,
            self.identity_mismatches,
            self.false_accepts,
            self.stricter_documented,
            self.stricter_undocumented,
            self.without_verdict,
            self.explain_mismatches,
            self.config_cases,
            self.config_both_accept,
            self.config_mismatches
        )
    }
}
