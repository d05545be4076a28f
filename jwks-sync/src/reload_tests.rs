use super::known::TELL_EVERY;
use super::*;
use crate::config::IssuerSource;
use crate::file::FileError;
use std::time::Duration;

fn file(changes: &str) -> String {
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer: {{url: \
         'https://a', audiences: [k]}}\n  claimMappings: {{username: {{claim: sub, prefix: '{changes}'}}}}\n"
    )
}

fn content(text: &str) -> Result<Bytes, ReadError> {
    Ok(Some(text.into()))
}

fn unreadable(detail: &str) -> Result<Bytes, ReadError> {
    let error = FileError::Io { doing: "open", path: "f".to_owned(), detail: detail.to_owned() };
    Err(ReadError::File { flag: "--authentication-config", error })
}

/// A reloader that has read this.
async fn reloader(text: &str) -> Reloader {
    let (file, policy) = (tests_file(text), tests_file("{}"));
    let sources = Sources::of(IssuerSource::File(file.clone()), Some(policy.clone()));
    let (_, reloader) = Reloader::start(sources, ApiServer::new(None)).await.unwrap();
    std::fs::remove_file(file).unwrap();
    std::fs::remove_file(policy).unwrap();
    reloader
}

/// What becomes of this, beside the policy of the start.
fn judge(reloader: &mut Reloader, issuers: Result<Bytes, ReadError>) -> Option<String> {
    told(reloader.judge(Reading { issuers, policy: content("{}") }, Instant::now()))
}

fn tests_file(text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("jwks-sync-{}-{}", std::process::id(), fastrand::u64(..)));
    std::fs::write(&path, text).unwrap();
    path
}

/// What became of what was read: `bad: REASON`, or the kind of news.
fn told(news: Vec<News>) -> Option<String> {
    let told = news.into_iter().map(|news| match news {
        News::Bad(failure) => format!("bad: {}", failure.reason()),
        News::Candidate => "candidate".to_owned(),
        News::Policy(_) => "policy".to_owned(),
        News::Withdrawn => "withdrawn".to_owned(),
    });
    told.reduce(|all, news| format!("{all}, {news}"))
}

#[tokio::test(start_paused = true)]
async fn a_change_is_judged_once() {
    let one = file("");
    let (two, three) = (file("2:"), file("3:"));
    let anonymous = format!("{one}anonymous: {{enabled: true}}\n");
    let mut reloader = reloader(&one).await;
    let (same, minute) = (Duration::ZERO, TELL_EVERY);
    for (row, (read, passed, news, waits)) in [
        (content(&one), same, None, false),
        (content("bad"), same, Some("bad: head"), false),
        (content("bad"), minute, None, false),
        // What is in force comes back: kube-apiserver counts that as a reload, too.
        (content(&one), same, Some("candidate"), true),
        (content(&one), minute, None, true),
        (content(&two), same, Some("candidate"), true),
        // What waits is good, whatever comes after it; it takes good content to replace it.
        (content("bad"), same, Some("bad: head"), true),
        (content("bad"), minute, None, true),
        (content(&two), same, None, true),
        (content("bad"), same, Some("bad: head"), true),
        (content(&anonymous), same, Some("bad: fields"), true),
        (content(&one), same, Some("withdrawn"), false),
        (content(&one), same, None, false),
        (content("bad"), same, Some("bad: head"), false),
        // What can't be read is nothing new, and is told once a minute.
        (unreadable("gone"), same, Some("bad: file"), false),
        (unreadable("gone"), same, None, false),
        (unreadable("locked"), same, Some("bad: file"), false),
        (unreadable("locked"), minute, Some("bad: file"), false),
        (content("bad"), same, None, false),
        (content(&three), same, Some("candidate"), true),
        (unreadable("gone"), same, Some("bad: file"), true),
        (content(&three), same, None, true),
        (content(&anonymous), same, Some("bad: fields"), true),
        (content(&anonymous), minute, None, true),
    ]
    .into_iter()
    .enumerate()
    {
        tokio::time::advance(passed).await;
        let judged = judge(&mut reloader, read);
        assert_eq!((judged.as_deref(), reloader.candidate.is_some()), (news, waits), "row {row}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_judged_whatever_becomes_of_the_issuers() {
    let (one, two) = (file(""), file("2:"));
    let tight = "tokenWebhook: {}";
    let (same, minute) = (Duration::ZERO, TELL_EVERY);
    let mut reloader = reloader(&one).await;
    for (row, (issuers, policy, passed, news, waits)) in [
        (content(&one), content("{}"), same, None, false),
        (content("bad"), content(tight), same, Some("policy, bad: head"), false),
        (content("bad"), content(tight), minute, None, false),
        (unreadable("gone"), content("{}"), same, Some("policy, bad: file"), false),
        (content(&two), content("bad"), same, Some("bad: policy, candidate"), true),
        (content(&two), content("bad"), minute, None, true),
        (content(&two), unreadable("gone"), same, Some("bad: file"), true),
        (content(&two), unreadable("gone"), same, None, true),
        (content(&two), unreadable("gone"), minute, Some("bad: file"), true),
        // A policy that comes back after a bad one is told, as configurations are.
        (content(&two), content("{}"), same, Some("policy"), true),
        (content(&two), content(tight), same, Some("policy"), true),
        (content(&two), content(tight), minute, None, true),
        (content(&one), content("{}"), same, Some("policy, withdrawn"), false),
    ]
    .into_iter()
    .enumerate()
    {
        tokio::time::advance(passed).await;
        let judged = told(reloader.judge(Reading { issuers, policy }, Instant::now()));
        assert_eq!((judged.as_deref(), reloader.candidate.is_some()), (news, waits), "row {row}");
    }
}

#[tokio::test]
async fn what_was_reloaded_is_what_comes_back() {
    let (one, two) = (file(""), file("2:"));
    let metrics = Metrics::new();
    let mut reloader = reloader(&one).await;
    assert_eq!(judge(&mut reloader, content(&two)).as_deref(), Some("candidate"));
    reloader.attempted(Err(UnhealthyIssuers::default()), &metrics);
    assert_eq!(judge(&mut reloader, content(&two)), None, "it waits on");
    reloader.attempted(Ok(()), &metrics);
    assert_eq!(judge(&mut reloader, content(&two)), None, "identical bytes");
    assert_eq!(judge(&mut reloader, content(&one)).as_deref(), Some("candidate"));
    // It comes in force though something bad is there now, which stays refused.
    assert_eq!(judge(&mut reloader, content("bad")).as_deref(), Some("bad: head"));
    reloader.attempted(Ok(()), &metrics);
    assert_eq!(judge(&mut reloader, content("bad")), None);
    assert_eq!(reloader.issuers.in_force, content(&one).unwrap());
    let text = metrics.text();
    for line in [r#"{result="unhealthy"} 1"#, r#"{result="success"} 2"#] {
        assert!(text.contains(&format!("jwks_sync_config_reloads_total{line}")), "{text}");
    }
}
