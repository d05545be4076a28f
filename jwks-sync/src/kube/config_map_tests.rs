use super::*;

#[test]
fn a_key_has_a_namespace_and_a_name() {
    for (text, read) in [
        ("a/b", Some("a/b/authentication.yaml")),
        ("a-1/b.c/D_e.f-g", Some("a-1/b.c/D_e.f-g")),
        ("a", None),
        ("/b", None),
        ("a/", None),
        ("a/b/", None),
        ("a/b/c/d", None),
        ("A/b", None),
        ("a.b/c", None),
        ("a/../b", None),
        ("a/b?x=y", None),
        ("a/b/c d", None),
        ("", None),
    ] {
        assert_eq!(ConfigMapKey::parse(text).map(|key| key.to_string()).as_deref(), read, "{text}");
    }
}

fn told(lines: &[&str]) -> (ConfigMapValue, Result<bool, KubeError>) {
    let key = ConfigMapKey::parse("a/b/k").unwrap();
    let values = watch::Sender::new(Ok(b"old".to_vec()));
    let mut last = Ok(true);
    for line in lines {
        last = take(&key, line.as_bytes(), &values);
    }
    (values.borrow().clone(), last)
}

#[test]
fn an_event_says_what_there_is() {
    let new = || Ok(b"new".to_vec());
    let old = || Ok(b"old".to_vec());
    let no_key = Err(ConfigMapError::NoKey { key: "k".to_owned() });
    for (line, value, last) in [
        (r#"{"type":"ADDED","object":{"metadata":{"name":"b"},"data":{"k":"new"}}}"#, new(), Ok(true)),
        (
            r#"{"type":"MODIFIED","object":{"metadata":{"name":"b"},"data":{"k":"new","l":"x"}}}"#,
            new(),
            Ok(true),
        ),
        (
            r#"{"type":"MODIFIED","object":{"metadata":{"name":"b"},"data":{"l":"x"}}}"#,
            no_key.clone(),
            Ok(true),
        ),
        (r#"{"type":"MODIFIED","object":{"metadata":{"name":"b"}}}"#, no_key, Ok(true)),
        (r#"{"type":"MODIFIED","object":{"metadata":{"name":"c"},"data":{"k":"new"}}}"#, old(), Ok(true)),
        (
            r#"{"type":"DELETED","object":{"metadata":{"name":"b"},"data":{"k":"new"}}}"#,
            Err(ConfigMapError::Absent),
            Ok(true),
        ),
        (r#"{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}"#, old(), Ok(false)),
        (
            r#"{"type":"ERROR","object":{"kind":"Status","code":500,"message":"odd"}}"#,
            old(),
            Err(KubeError::Refused { code: 500, message: "odd".to_owned() }),
        ),
        ("<html>", old(), Err(KubeError::Answer)),
    ] {
        assert_eq!(told(&[line]), (value, last), "{line}");
    }
}

#[test]
fn lines_are_cut_wherever_they_arrive_and_bounded() {
    let text = b"one\n\ntwo\nthree";
    for size in 1..=text.len() {
        let (mut lines, mut cut) = (Lines::default(), Vec::new());
        for piece in text.chunks(size) {
            lines.push(piece).unwrap();
            while let Some(line) = lines.next() {
                cut.push(String::from_utf8(line).unwrap());
            }
        }
        assert_eq!(cut, ["one\n", "\n", "two\n"], "{size}");
    }
    let mut lines = Lines::default();
    let half = vec![b'x'; MAX_OBJECT / 2];
    assert_eq!((lines.push(&half), lines.push(&half)), (Ok(()), Ok(())));
    assert_eq!(lines.push(b"x"), Err(KubeError::AnswerTooLarge { limit: MAX_OBJECT }));
}
