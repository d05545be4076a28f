//! Tokens, put to both sides.

use std::sync::Arc;

use ::tests::cluster::Etcd;
use ::tests::{Issuer, mint};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::arguments::Arguments;
use crate::distributed;
use crate::draft::Draft;
use crate::entry::{ENTRIES, Entry};
use crate::explained::{self, Explained, Explaining};
use crate::oddities;
use crate::random::Random;
use crate::report::{Judged, Report};
use crate::sides::Sides;
use crate::twists;
use crate::verdict::{Comparison, Verdict};

/// How many tokens are asked about at a time.
const AT_A_TIME: usize = 6;
/// The gateway's reasons of requests that went on.
const WENT_ON: [&str; 3] = ["ok", "not_upstream", ""];

/// A token for a configuration.
struct Case {
    number: usize,
    entry: usize,
    rules: Vec<&'static str>,
    oddities: Vec<&'static str>,
    token: String,
    text: [String; 2],
}

/// Generates configurations and tokens, asks both sides about all of them, and adds what they say to the report.
pub(crate) async fn run(arguments: &Arguments, report: &mut Report) {
    let mut random = Random::new(&arguments.seed);
    let (etcd, issuer) = (Etcd::start().await, Issuer::start().await);
    let numbers: Vec<_> = (0..arguments.configurations).collect();
    for numbers in numbers.chunks(ENTRIES) {
        let entries: Vec<_> = numbers
            .iter()
            .map(|number| Entry::new(*number, &issuer.url(), issuer.ca_pem(), &mut random))
            .collect();
        for entry in &entries {
            let (path, document) = &entry.discovery;
            issuer.serve(path, 200, document.to_string().as_bytes());
            issuer.serve(&format!("/keys/{}", entry.number), 200, entry.jwks.to_string().as_bytes());
        }
        for (entry, claim) in entries.iter().filter_map(|entry| Some((entry, entry.groups_claim?))) {
            for answer in distributed::ANSWERS {
                let body = distributed::body(entry, claim, answer);
                issuer.serve(&distributed::path(entry, answer), 200, body.as_bytes());
            }
        }
        // Every second gateway may ask the endpoints of distributed claims.
        let policy = (numbers[0] / ENTRIES).is_multiple_of(2).then(|| distributed::policy(&entries));
        let jwt: Vec<_> = entries.iter().map(|entry| &entry.configuration).collect();
        let configuration = json!({
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": jwt,
        });
        let explaining = Explaining::new(&configuration, policy.as_ref(), &entries);
        let sides = Arc::new(Sides::start(&etcd, &configuration, &entries, policy.as_ref()).await);
        let cases: Vec<_> = entries
            .iter()
            .enumerate()
            .flat_map(|(at, entry)| (0..arguments.tokens).map(move |_| (at, entry)))
            .enumerate()
            .map(|(number, (at, entry))| case(number, at, entry, &mut random))
            .collect();
        let answers = ask(&sides, &cases).await;
        let reasons = sides.reasons(cases.len()).await;
        for (case, (kube_apiserver, gateway)) in cases.iter().zip(answers) {
            let reason = reasons.get(&case.number).cloned().unwrap_or_default();
            let gateway = match gateway {
                // It let the token in, and the API server refused what came of it.
                Verdict::Rejects(_) if WENT_ON.contains(&reason.as_str()) => Verdict::Silent(reason),
                Verdict::Rejects(_) => Verdict::Rejects(reason),
                other => other,
            };
            let comparison = Comparison::of(&kube_apiserver, &gateway, &case.oddities);
            // What depends on the answer of an endpoint can't be told without it.
            let explained = if case.oddities.contains(&"distributed-groups") {
                Explained::Not
            } else {
                let explanation = explaining.of(&case.token);
                explained::compare(&explanation, &kube_apiserver, &gateway, comparison, &case.oddities)
            };
            report.add(&Judged {
                configuration: entries[case.entry].configuration.clone(),
                explained,
                rules: case.rules.clone(),
                fields: entries[case.entry].fields.clone(),
                token: case.text.clone(),
                comparison,
                kube_apiserver,
                gateway,
            });
        }
        report.configurations += entries.len();
        eprintln!("{} of {} configurations", report.configurations, arguments.configurations);
        Arc::into_inner(sides).expect("nobody asks any more").stop().await;
    }
}

fn case(number: usize, at: usize, entry: &Entry, random: &mut Random) -> Case {
    let mut draft = twists::draft(entry, random);
    let token = draft.token();
    oddities::find(&mut draft, entry, &token);
    let text = |part: usize| {
        String::from_utf8_lossy(&mint::decode(token.split('.').nth(part).unwrap_or_default())).into_owned()
    };
    let text = [text(0), text(1)];
    let Draft { rules, oddities, .. } = draft;
    Case { number, entry: at, rules, oddities, token, text }
}

/// Asks both sides about each case.
async fn ask(sides: &Arc<Sides>, cases: &[Case]) -> Vec<(Verdict, Verdict)> {
    let queue: Vec<_> = cases.iter().map(|case| (case.number, case.token.clone())).rev().collect();
    let queue = Arc::new(Mutex::new(queue));
    let mut askers = JoinSet::new();
    for _ in 0..AT_A_TIME {
        let (sides, queue) = (Arc::clone(sides), Arc::clone(&queue));
        askers.spawn(async move {
            let mut answers = Vec::new();
            loop {
                let next = queue.lock().await.pop();
                let Some((number, token)) = next else { return answers };
                let both =
                    (sides.asks_kube_apiserver(&token).await, sides.asks_gateway(number, &token).await);
                answers.push((number, both));
            }
        });
    }
    let mut answers: Vec<_> = askers.join_all().await.into_iter().flatten().collect();
    answers.sort_unstable_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, both)| both).collect()
}

/// What kube-apiserver calls itself.
pub(crate) async fn version() -> String {
    let output = tokio::process::Command::new(::tests::process::tool("kube-apiserver").await)
        .arg("--version")
        .output()
        .await
        .expect("kube-apiserver --version");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    text.trim_start_matches("Kubernetes ").to_owned()
}
