//! Configuration files, and the flags that may stand for one, put to both sides as they start: whether each takes them, and
//! what it says if not.

mod flags;
mod starts;
mod text;
mod twists;

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::arguments::Arguments;
use crate::random::Random;
use crate::report::Report;

/// How many files are put to the sides at a time.
const AT_A_TIME: usize = 2;
/// What the gateway says of an expression that it takes for good, and can't evaluate as kube-apiserver does
/// (`expression-refused`).
const NOT_SUPPORTED: [&str; 8] = [
    "a map's key that is bytes",
    "timezones by name are not supported",
    "an optional element or entry whose type is not known",
    "the types of the expression are too large",
    "a variable of optMap or optFlatMap that is the left side of +",
    "not supported: messages (",
    "not supported: the name 'google'",
    "not supported: an expression of more than",
];

/// The fields and rules that files are about.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    twists::all().chain(flags::all())
}

/// A file or flags or both, and what they are about.
struct File {
    about: Vec<&'static str>,
    text: Option<String>,
    flags: Vec<String>,
}

/// What each side says of a file; nothing: it takes it.
struct Answers {
    kube_apiserver: Result<(), String>,
    gateway: Result<(), String>,
}

/// Generates files, asks both sides about all of them, and adds what they say to the report.
pub(crate) async fn run(arguments: &Arguments, report: &mut Report) {
    let mut random = Random::new(&format!("files of {}", arguments.seed));
    let files: Vec<_> = (0..arguments.files).map(|_| file(&mut random)).collect();
    let starts = Arc::new(starts::Starts::new().await);
    let queue = Arc::new(Mutex::new(files.into_iter().enumerate().rev().collect::<Vec<_>>()));
    let mut askers = JoinSet::new();
    for _ in 0..AT_A_TIME {
        let (starts, queue) = (Arc::clone(&starts), Arc::clone(&queue));
        askers.spawn(async move {
            let mut answered = Vec::new();
            loop {
                let next = queue.lock().await.pop();
                let Some((number, file)) = next else { return answered };
                let answers = starts.with(number, &file).await;
                answered.push((number, file, answers));
            }
        });
    }
    let mut answered: Vec<_> = askers.join_all().await.into_iter().flatten().collect();
    answered.sort_unstable_by_key(|(number, ..)| *number);
    for (_, file, answers) in &answered {
        add(report, file, answers);
    }
    if arguments.files > 0 {
        eprintln!("{} files", answered.len());
    }
}

fn file(random: &mut Random) -> File {
    let (mut about, mut flags) = (Vec::new(), Vec::new());
    if random.percent(15) {
        (about, flags) = flags::flags(random);
        let has_file = flags.iter().any(|flag| flag.starts_with(flags::FILE));
        if has_file || (!flags.is_empty() && random.percent(90)) {
            return File { about, text: None, flags };
        }
    }
    let (more, configuration) = twists::configuration(random);
    about.extend(more);
    let mut text = configuration.to_string();
    if random.percent(15) {
        let (what, changed) = text::text(&configuration, random);
        about.push(what);
        text = changed;
    }
    File { about, text: Some(text), flags }
}

/// The message without the file itself, which kube-apiserver puts behind "is missing" and the gateway does not
/// (`docs/deviations.md`, `file-in-message`).
fn without_file(answer: &Result<(), String>) -> Result<(), String> {
    answer.clone().map_err(|message| match message.split_once("' is missing in '") {
        Some((what, _)) => format!("{what}' is missing"),
        None => message,
    })
}

fn add(
    report: &mut Report,
    File { about, text, flags }: &File,
    Answers { kube_apiserver, gateway }: &Answers,
) {
    report.config_cases += 1;
    for about in about {
        report.config_coverage.entry((*about).to_owned()).or_default().count(kube_apiserver.is_ok());
    }
    if without_file(kube_apiserver) == *gateway {
        report.config_both_accept += usize::from(kube_apiserver.is_ok());
        return;
    }
    // `file-syntax`: what is no YAML is told in other words.
    if kube_apiserver.as_ref().is_err_and(|message| message.contains("yaml: ")) && gateway.is_err() {
        report.config_other_words += 1;
        return;
    }
    let is_listed = |message: &String| NOT_SUPPORTED.iter().any(|words| message.contains(words));
    let is_documented = gateway.as_ref().is_err_and(is_listed) && kube_apiserver.is_ok();
    if is_documented {
        report.config_stricter_documented += 1;
        return;
    }
    report.config_mismatches += 1;
    let word = |answer: &Result<(), String>| {
        answer.as_ref().map_or_else(|message| json!({"refuses": message}), |()| Value::from("takes it"))
    };
    report.disagreements.push(json!({
        "file": text, "flags": flags, "about": about, "kube_apiserver": word(kube_apiserver), "gateway": word(gateway),
    }));
}
